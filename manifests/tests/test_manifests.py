"""The platforms and the service accept what the programs write."""

import os
import subprocess

import cloud_run_rules
import kubernetes_rules
import schemas

from manifests import Manifests, Thing, container, environment, of_kind, pod

WORDTALLY = os.environ["WORDTALLY"]


def test_each_object_is_as_its_schema_says(either: Manifests) -> None:
    for thing in either.kubernetes + either.cloud_run:
        schemas.validate(thing)


def test_kubernetes_rules_hold(either: Manifests) -> None:
    assert kubernetes_rules.faults(either.kubernetes, either.words) == []


def test_cloud_run_rules_hold(either: Manifests) -> None:
    assert cloud_run_rules.faults(either.cloud_run, either.words) == []


def test_there_are_words(either: Manifests) -> None:
    assert len(either.words) >= 4


def test_both_platforms_give_the_service_the_same_variables(either: Manifests) -> None:
    kubernetes = {thing["metadata"]["name"]: environment(thing) for thing in of_kind(either.kubernetes, "Deployment")}
    assert kubernetes == {thing["metadata"]["name"]: environment(thing) for thing in either.cloud_run}


def test_the_service_takes_what_it_is_told(either: Manifests) -> None:
    for workload in of_kind(either.kubernetes, "Deployment") + either.cloud_run:
        checked = subprocess.run(
            [WORDTALLY, "check", "--values-only"],
            env=environment(workload),
            capture_output=True,
            text=True,
            timeout=10,
        )
        assert (checked.returncode, checked.stderr) == (0, ""), workload["metadata"]["name"]


def test_the_platforms_values_are_used(other: Manifests) -> None:
    (policy,) = of_kind(other.kubernetes, "NetworkPolicy")
    assert {"ipBlock": {"cidr": "10.8.0.10/32"}} in kubernetes_rules.peers_at(policy["spec"]["egress"], "to", "UDP", 53)
    (account,) = of_kind(other.kubernetes, "ServiceAccount")
    assert account["imagePullSecrets"] == [{"name": "registry"}]
    for deployment in of_kind(other.kubernetes, "Deployment"):
        assert container(deployment)["lifecycle"]["preStop"] == {"sleep": {"seconds": 60}}
        assert pod(deployment)["terminationGracePeriodSeconds"] == 75


def test_a_words_own_project_pays_else_the_platforms_else_the_accounts(production: Manifests, other: Manifests) -> None:
    def payers(objects: list[Thing]) -> dict[str, str]:
        return {thing["metadata"]["name"]: environment(thing)["PROJECT"] for thing in objects}

    assert set(payers(production.cloud_run).values()) == {"my-project-123"}
    assert payers(other.cloud_run)["wordtally-love"] == "my-other-project"
    assert payers(other.cloud_run)["wordtally-the"] == "my-paying-project"


def test_memory_and_cpus_are_what_each_platform_takes(other: Manifests) -> None:
    def resources(objects: list[Thing]) -> dict[str, Thing]:
        return {
            thing["metadata"]["name"].removeprefix("wordtally-"): container(thing)["resources"] for thing in objects
        }

    pods = resources(of_kind(other.kubernetes, "Deployment"))
    memory = {name: (given["requests"]["memory"], given["limits"]["memory"]) for name, given in pods.items()}
    assert memory == {
        "the": ("32Mi", "128Mi"),
        "love": ("16Mi", "16Mi"),
        "romeo": ("32Mi", "1Gi"),
        "tis": ("32Mi", "128Mi"),
    }
    limits = {name: tuple(given["limits"].values()) for name, given in resources(other.cloud_run).items()}
    assert limits == {"the": ("2", "512Mi"), "love": ("4", "2Gi"), "romeo": ("6", "4Gi"), "tis": ("8", "4Gi")}
