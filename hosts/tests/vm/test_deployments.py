"""Good and bad releases, which the deploy command deploys to the machine while clients request pages."""

import os
import re
import subprocess

from deployer import (
    Deployer,
    deployed_under_load,
    nothing_left,
    refused_before_any_client,
    rolled_back,
)
from machine import Machine
from words import started, version


def test_a_good_release_is_deployed_without_a_lost_request(machine: Machine, deployer: Deployer) -> None:
    """It also replaces deploy-host, while that carries out the deployment."""
    part = "readlink -f /run/current-system/sw/bin/deploy-host"
    before, old_part = deployer.systems()[0], machine.run(part)
    old = version(machine)
    code, said, load = deployed_under_load(deployer, "good")
    assert code == 0, said
    assert not load.failures, load.failures[:10]
    current, default = deployer.systems()
    assert current == default != before, (current, default, before)
    assert version(machine) != old, "the new release does not run"
    assert machine.run(part) != old_part, "the host's deploy-host is the old one"
    nothing_left(machine, deployer)
    assert deployer.asks("check")[0] == 0


def test_the_same_release_again_changes_nothing(machine: Machine, deployer: Deployer) -> None:
    before = started(machine)
    code, said = deployer.deploy("good")
    assert code == 0 and "has this release already" in said, said
    assert started(machine) == before


def test_a_dry_run_changes_nothing(machine: Machine, deployer: Deployer) -> None:
    before = started(machine), deployer.systems()
    code, said = deployer.asks("dry-run", release="booted")
    assert code == 0 and "would" in said and "wordtally-the.service" in said, said
    code, said = deployer.asks("diff", release="booted")
    assert code == 0 and "wordtally" in said, said
    assert (started(machine), deployer.systems()) == before


def test_an_altered_release_reaches_no_host(machine: Machine, deployer: Deployer) -> None:
    before = started(machine), deployer.systems()
    release = deployer.attested("booted")
    altered, unsigned = f"{release}-altered", f"{release}-unsigned"
    for folder in (altered, unsigned):
        subprocess.run(["cp", "-r", "--no-preserve=mode", release, folder], check=True)
    with open(f"{altered}/release.json", encoding="utf-8") as file:
        text = file.read()
    with open(f"{altered}/release.json", "w", encoding="utf-8") as file:
        file.write(re.sub(r'("hamlet": ?)\d+', r"\g<1>1", text))
    os.remove(f"{unsigned}/provenance.sigstore.json")
    for folder, why in (
        (altered, "release.json is not what was signed"),
        (unsigned, "provenance.sigstore.json cannot be read"),
    ):
        code, said = deployer.deploy("booted", folder=folder)
        assert code != 0 and why in said and "mock-prod:" not in said.replace("deploy: mock-prod:", ""), said
    assert (started(machine), deployer.systems()) == before


def test_a_release_that_answers_wrongly_meets_no_client(machine: Machine, deployer: Deployer) -> None:
    refused_before_any_client(machine, deployer, "wrong", "love: hamlet has")


def test_a_release_that_never_gets_ready_meets_no_client(machine: Machine, deployer: Deployer) -> None:
    refused_before_any_client(
        machine, deployer, "unready", "romeo: not ready: the table, dataset or project does not exist"
    )


def test_a_release_with_a_wrong_reverse_proxy_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    # Each word is correct on its socket; only a client sees that one path leads to another word.
    said, load = rolled_back(machine, deployer, "reverse-proxy", ["/the/", "/love/", "/romeo/"])
    assert "/tis/: hamlet has" in said, said
    assert not load.failures, load.failures[:10]


def test_a_release_with_a_unit_that_fails_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    said, load = rolled_back(machine, deployer, "failing")
    assert "failing.service" in said and "rolled back: its activation" in said, said
    assert not load.failures, load.failures[:10]


def test_a_release_that_breaks_the_network_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    said, load = rolled_back(machine, deployer, "network")
    assert "unreachable" in said and "it was not confirmed" in said, said
    assert load.failures, "the network was not broken"


def test_it_goes_back_to_a_generation_and_keeps_every_report(machine: Machine, deployer: Deployer) -> None:
    """Nothing is built, sent or signed again for it."""
    assert deployer.deploy("booted")[0] == 0
    before = deployer.report("log")["deployments"]
    generations = deployer.report("list")["generations"]
    there = {one["system"]: one["number"] for one in generations}
    booted, good = (deployer.systems()[0], next(one["system"] for one in generations if not one["current"]))
    assert [one["default"] for one in generations if one["current"]] == [True], generations

    code, said = deployer.asks("rollback", str(there[good]))
    assert code == 0 and f"going back to generation {there[good]}" in said, said
    assert deployer.systems() == [good, good]
    # The host still knows which release it is.
    status = deployer.report("status")
    assert status["current"] == good and status["release"]["commit"] == deployer.commit, status
    assert status["release"]["ref"] == "refs/heads/main" and not status["underWay"], status
    assert set(status["words"].values()) == {"ready"}, status

    code, said = deployer.asks("rollback", "4711")
    assert code == 1 and "4711" in said, said
    code, said = deployer.asks("rollback", str(there[booted]))
    assert code == 0 and deployer.systems() == [booted, booted], said

    log = deployer.report("log")["deployments"]
    assert [one["id"] for one in log][: len(before)] == [one["id"] for one in before], "an earlier report is gone"
    back = log[len(before) :]
    assert [(one["state"], one["generation"]) for one in back] == [
        ("committed", there[good]),
        ("committed", there[booted]),
    ], back
    assert machine.run("deploy-host log").count("\n") == len(log)
    nothing_left(machine, deployer)
