"""The rules for Cloud Run's services beyond their schema. Each rule yields a sentence for each fault."""

import re
from collections.abc import Iterator

from kubernetes_rules import NAMED_IMAGE

import manifests
from manifests import Thing, container, pod, quantity

# The minimum memory that Cloud Run gives with each number of CPUs; it offers no other numbers. 512Mi is the minimum of
# its second execution environment.
LEAST_MEMORY: dict[float, int] = {1: 512 * 2**20, 2: 512 * 2**20, 4: 2 * 2**30, 6: 4 * 2**30, 8: 4 * 2**30}


def words(services: list[Thing], expected: dict[str, str]) -> Iterator[str]:
    names = sorted(service["metadata"]["name"] for service in services)
    if names != sorted(f"wordtally-{name}" for name in expected):
        yield f"not those of the words: {names}"
    for service in services:
        name = service["metadata"]["name"]
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?", name):
            yield f"'{name}' is not a valid name there"
        if manifests.environment(service).get("WORD") != expected.get(name.removeprefix("wordtally-")):
            yield f"{name}: a different word is counted"


def image(services: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for service in services:
        host = container(service)["image"].partition("/")[0]
        if not re.fullmatch(r"(\w+\.)?gcr\.io|[\w-]+-docker\.pkg\.dev|docker\.io", host):
            yield f"{service['metadata']['name']}: Cloud Run accepts no image from {host}"
        if not re.fullmatch(NAMED_IMAGE, container(service)["image"]):
            yield f"{service['metadata']['name']}: the image is not named by its digest"


def identity(services: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for service in services:
        if not pod(service).get("serviceAccountName", "").endswith(".iam.gserviceaccount.com"):
            yield f"{service['metadata']['name']}: it would be the project's default account"
        if not manifests.pays(service):
            yield f"{service['metadata']['name']}: the project in which it runs pays"
        if service["metadata"]["annotations"].get("run.googleapis.com/ingress") in (None, "all"):
            yield f"{service['metadata']['name']}: its /metrics is open to the Internet"


def background(services: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for service in services:
        name, annotations = service["metadata"]["name"], service["spec"]["template"]["metadata"]["annotations"]
        if annotations.get("run.googleapis.com/cpu-throttling") != "false":
            yield f"{name}: nothing is refreshed between requests"
        least = int(annotations.get("autoscaling.knative.dev/minScale", 0))
        most = int(annotations.get("autoscaling.knative.dev/maxScale", 100))
        if not 1 <= least <= most <= 10:
            yield f"{name}: there may be no instance, or very many that each query BigQuery"


def serving(services: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for service in services:
        name, spec, only = service["metadata"]["name"], pod(service), container(service)
        (port,) = only["ports"]
        if manifests.environment(service).get("LISTEN") != f"0.0.0.0:{port['containerPort']}":
            yield f"{name}: the service does not listen on its container's port"
        if not 1 <= spec["containerConcurrency"] <= 1000:
            yield f"{name}: Cloud Run has no such concurrency"
        if spec["timeoutSeconds"] <= manifests.first_answer_seconds():
            yield f"{name}: a request that waits for the first answer is cut off"
        for kind, path in (("startup", "/readyz"), ("liveness", "/healthz")):
            asked = only.get(f"{kind}Probe", {})
            if asked.get("httpGet") != {"path": path, "port": port["containerPort"]}:
                yield f"{name}: the {kind} probe requests something else"
            elif asked["timeoutSeconds"] > asked["periodSeconds"]:
                yield f"{name}: Cloud Run refuses a probe that takes longer than its period"
        if only["startupProbe"]["periodSeconds"] * only["startupProbe"]["failureThreshold"] > 240:
            yield f"{name}: Cloud Run refuses to wait so long for a start"


def resources(services: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for service in services:
        name, limits = service["metadata"]["name"], container(service)["resources"]["limits"]
        least = LEAST_MEMORY.get(quantity(limits["cpu"]))
        if least is None:
            yield f"{name}: Cloud Run has no {limits['cpu']} CPUs"
        elif quantity(limits["memory"]) < max(manifests.measured_bytes(), least):
            yield f"{name}: Cloud Run gives no less memory with {limits['cpu']} CPUs"


RULES = (words, image, identity, background, serving, resources)


def faults(services: list[Thing], expected: dict[str, str]) -> list[str]:
    return [fault for rule in RULES for fault in rule(services, expected)]
