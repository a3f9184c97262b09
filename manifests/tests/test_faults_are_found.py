"""Every rule and every schema finds its fault: a test changes one field of a written manifest and expects the message."""

import copy
from typing import Any

import cloud_run_rules
import jsonschema
import kubernetes_rules
import pytest
import schemas

from manifests import Manifests, Thing, container

# A key or an index.
Step = str | int
Path = tuple[Step, ...]
Case = tuple[str, Path, object]


def first(objects: list[Thing], kind: str) -> Thing:
    return next(thing for thing in objects if thing["kind"] == kind)


def at(thing: Thing, path: Path) -> tuple[Any, Step]:
    """The value at a path of keys and indices without the last of them, and that last one."""
    *way, last = path
    holder: Any = thing
    for step in way:
        holder = holder[step]
    return holder, last


POD: Path = ("spec", "template", "spec")
ONLY: Path = (*POD, "containers", 0)

# A kind, the path of a field, and a value that the schema does not allow.
UNKNOWN: list[Case] = [
    ("Deployment", (*ONLY, "livenessprobe"), {}),
    ("Deployment", ("spec", "template", "spec", "securityContext", "runAsRoot"), False),
    ("Deployment", (*ONLY, "lifecycle", "preStop", "sleep", "second"), 5),
    ("Service", ("spec", "ports", 0, "targetport"), "http"),
    ("HorizontalPodAutoscaler", ("spec", "minreplicas"), 2),
    ("PodDisruptionBudget", ("spec", "maxunavailable"), 1),
    ("NetworkPolicy", ("spec", "ingress", 0, "form"), []),
    ("Namespace", ("metadata", "label"), {}),
    ("ServiceAccount", ("automountToken",), False),
    ("HTTPRoute", ("spec", "hostname"), "words.example.com"),
    ("HTTPRoute", ("spec", "rules", 1, "filters", 0, "urlRewrite", "path", "replacePrefix"), "/"),
]
WRONG: list[Case] = [
    ("Deployment", ("spec", "replicas"), "two"),
    ("Deployment", (*POD, "terminationGracePeriodSeconds"), "25s"),
    ("Deployment", (*ONLY, "env", 0, "value"), 8080),
    ("Service", ("spec", "ports", 0, "port"), "eighty"),
    ("NetworkPolicy", ("spec", "policyTypes"), "Ingress"),
    ("HTTPRoute", ("spec", "rules", 1, "matches", 0, "path", "type"), "Prefix"),
    ("HTTPRoute", ("spec", "rules", 0, "filters", 0, "requestRedirect", "statusCode"), 307.5),
]
CLOUD_RUN: list[Case] = [
    ("Service", (*POD, "concurrency"), 80),
    ("Service", (*ONLY, "startupProbe", "httpget"), {}),
    ("Service", ("spec", "template", "metadata", "annotation"), {}),
    ("Service", (*POD, "containerConcurrency"), "1000"),
    ("Service", (*ONLY, "env", 0, "value"), True),
    ("Service", ("spec", "template", "metadata", "annotations", "run.googleapis.com/cpu-throttling"), False),
]


def name_of(case: Case) -> str:
    kind, path, _ = case
    return f"{kind}.{'.'.join(map(str, path))}"


@pytest.mark.parametrize("case", UNKNOWN + WRONG, ids=name_of)
def test_kubernetes_schema_refuses(production: Manifests, case: Case) -> None:
    kind, path, value = case
    thing = copy.deepcopy(first(production.kubernetes, kind))
    holder, last = at(thing, path)
    assert case not in UNKNOWN or last not in holder
    holder[last] = value
    with pytest.raises(jsonschema.ValidationError):
        schemas.validate(thing)


@pytest.mark.parametrize("case", CLOUD_RUN, ids=name_of)
def test_cloud_run_schema_refuses(production: Manifests, case: Case) -> None:
    _, path, value = case
    thing = copy.deepcopy(production.cloud_run[0])
    holder, last = at(thing, path)
    holder[last] = value
    with pytest.raises(jsonschema.ValidationError):
        schemas.validate(thing)


TAG = "registry.example.com/wordtally:0.1.0"
PUBLIC = {"ipBlock": {"cidr": "0.0.0.0/0"}}

# A kind, the path of a field, a value that the schema allows, and the rules' message. `None` removes the field.
KUBERNETES_FAULTS: list[tuple[str, Path, object, str]] = [
    ("Deployment", ("metadata", "name"), "wordtally-other", "not those of the words"),
    ("Deployment", (*ONLY, "env", 1), None, "the cluster's project pays"),
    ("Deployment", (*ONLY, "env", 2, "value"), "thee", "a different word is counted"),
    ("Service", ("metadata", "name"), "1st", "is not a DNS label"),
    ("Service", ("metadata", "namespace"), "default", "not in the namespace"),
    ("Namespace", ("metadata", "labels", "pod-security.kubernetes.io/enforce"), "baseline", "does not enforce"),
    ("Deployment", (*ONLY, "image"), TAG, "not named by its digest"),
    ("Deployment", (*POD, "securityContext", "runAsUser"), 0, "may run as root"),
    ("Deployment", (*POD, "securityContext", "seccompProfile"), None, "may run as root"),
    ("Deployment", (*ONLY, "securityContext", "readOnlyRootFilesystem"), False, "may write"),
    ("Deployment", (*ONLY, "securityContext", "capabilities"), None, "may write"),
    ("Deployment", (*POD, "hostNetwork"), True, "more than the one container"),
    ("ServiceAccount", ("metadata", "annotations"), None, "not a workload identity"),
    ("ServiceAccount", ("automountServiceAccountToken",), True, "token is given"),
    ("Deployment", (*POD, "serviceAccountName"), "default", "no such service account"),
    ("Deployment", (*POD, "automountServiceAccountToken"), None, "token of the cluster"),
    ("Service", ("spec", "selector"), {"app.kubernetes.io/name": "wordtally"}, "its selector matches"),
    ("PodDisruptionBudget", ("spec", "selector", "matchLabels"), {"app": "wordtally"}, "its selector matches"),
    ("HorizontalPodAutoscaler", ("spec", "scaleTargetRef", "name"), "wordtally", "target of the autoscaler"),
    ("Service", ("spec", "ports", 0, "targetPort"), "web", "no port of the container"),
    ("Deployment", (*ONLY, "ports", 0, "containerPort"), 80, "does not listen on its container's port"),
    ("HorizontalPodAutoscaler", ("spec", "minReplicas"), 1, "may be only one pod"),
    ("PodDisruptionBudget", ("spec", "maxUnavailable"), 2, "evicted at once"),
    ("Deployment", ("spec", "replicas"), 2, "overwrite the autoscaler's"),
    ("Deployment", ("spec", "strategy", "rollingUpdate", "maxUnavailable"), 1, "removes pods"),
    ("Deployment", (*POD, "terminationGracePeriodSeconds"), 20, "killed before it has drained"),
    ("Deployment", (*POD, "topologySpreadConstraints"), [], "one node or zone"),
    ("Deployment", (*POD, "topologySpreadConstraints", 1), None, "one node or zone"),
    ("Deployment", (*POD, "topologySpreadConstraints", 0, "matchLabelKeys"), None, "terminating pods are counted"),
    ("Deployment", (*ONLY, "lifecycle", "preStop", "sleep", "seconds"), 10, "sends requests to a removed pod"),
    ("PodDisruptionBudget", ("spec", "unhealthyPodEvictionPolicy"), None, "no node can be drained"),
    ("Deployment", (*ONLY, "livenessProbe", "httpGet", "path"), "/readyz", "liveness probe requests /readyz"),
    ("Deployment", (*ONLY, "readinessProbe", "httpGet", "path"), "/", "readiness probe requests /"),
    ("Deployment", (*ONLY, "startupProbe", "httpGet", "port"), "web", "a port that the container does not have"),
    ("Deployment", (*ONLY, "resources", "limits", "memory"), "8Mi", "less memory"),
    ("Deployment", (*ONLY, "resources", "requests", "memory"), "5Mi", "less memory"),
    ("Deployment", (*ONLY, "resources", "limits", "memory"), "16Mi", "less memory"),
    ("Deployment", (*ONLY, "resources", "limits", "cpu"), "100m", "throttled"),
    ("Deployment", (*ONLY, "resources", "limits"), None, "a request and a limit"),
    ("NetworkPolicy", ("spec", "podSelector"), {"matchLabels": {"a": "b"}}, "does not cover a pod"),
    ("NetworkPolicy", ("spec", "policyTypes"), ["Ingress"], "does not cover a pod or a direction"),
    ("NetworkPolicy", ("spec", "ingress", 0, "from"), None, "any client may connect"),
    ("NetworkPolicy", ("spec", "ingress", 0, "ports", 0, "port"), 80, "a port other than"),
    ("NetworkPolicy", ("spec", "egress", 1, "to"), None, "connect to any address"),
    ("NetworkPolicy", ("spec", "egress", 3, "to", 0), PUBLIC, "half of the Internet"),
    ("NetworkPolicy", ("spec", "ingress", 0, "from", 0), {"namespaceSelector": {}}, "a peer is unrestricted"),
    ("NetworkPolicy", ("spec", "ingress"), [], "8080 is closed to {'namespaceSelector'"),
    ("NetworkPolicy", ("spec", "ingress", 0, "from", 0), None, "8080 is closed to {'namespaceSelector'"),
    ("NetworkPolicy", ("spec", "ingress", 0, "from", 1), None, "closed to {'ipBlock': {'cidr': '35.191.0.0/16'}}"),
    ("NetworkPolicy", ("spec", "ingress", 0, "from", 2), None, "closed to {'ipBlock': {'cidr': '130.211.0.0/22'}}"),
    ("NetworkPolicy", ("spec", "egress"), [], "no name can be resolved over UDP"),
    ("NetworkPolicy", ("spec", "egress", 0), None, "no name can be resolved over TCP"),
    ("NetworkPolicy", ("spec", "egress", 0, "ports", 0), None, "no name can be resolved over UDP"),
    ("NetworkPolicy", ("spec", "egress", 0, "to", 0, "podSelector", "matchLabels", "k8s-app"), "dns", "'kube-dns'"),
    ("NetworkPolicy", ("spec", "egress", 0, "to", 1), None, "'node-local-dns'"),
    ("NetworkPolicy", ("spec", "egress", 1), None, "no token from port 80"),
    ("NetworkPolicy", ("spec", "egress", 2), None, "no token from port 988"),
    ("NetworkPolicy", ("spec", "egress", 3), None, "BigQuery is out of reach"),
    ("HTTPRoute", ("spec", "parentRefs"), None, "attached to no Gateway"),
    ("HTTPRoute", ("spec", "parentRefs", 0, "sectionName"), None, "without TLS serves it"),
    ("HTTPRoute", ("spec", "hostnames"), None, "takes requests for every host"),
    ("HTTPRoute", ("spec", "rules", 0, "matches", 3, "path", "value"), "/love/metric", "/love/metrics is exposed"),
    ("HTTPRoute", ("spec", "rules", 1, "backendRefs", 0, "port"), 8080, "is not served by the service"),
    ("HTTPRoute", ("spec", "rules", 1, "matches", 0, "path", "value"), "/", "a path without a word is routed"),
]
CLOUD_RUN_FAULTS: list[tuple[Path, object, str]] = [
    (("metadata", "name"), "love", "not those of the words"),
    ((*ONLY, "env", 1), None, "the project in which it runs pays"),
    ((*ONLY, "env", 2, "value"), "Love", "a different word is counted"),
    ((*ONLY, "image"), TAG, "not named by its digest"),
    (
        (*ONLY, "image"),
        f"registry.example.com/wordtally@sha256:{'0' * 64}",
        "accepts no image from registry.example.com",
    ),
    ((*POD, "serviceAccountName"), None, "default account"),
    (("metadata", "annotations", "run.googleapis.com/ingress"), "all", "open to the Internet"),
    (
        ("spec", "template", "metadata", "annotations", "run.googleapis.com/cpu-throttling"),
        "true",
        "nothing is refreshed",
    ),
    (
        ("spec", "template", "metadata", "annotations", "autoscaling.knative.dev/minScale"),
        "0",
        "there may be no instance",
    ),
    (
        ("spec", "template", "metadata", "annotations", "autoscaling.knative.dev/maxScale"),
        None,
        "very many that each query",
    ),
    ((*ONLY, "ports", 0, "containerPort"), 80, "does not listen on its container's port"),
    ((*POD, "containerConcurrency"), 4096, "no such concurrency"),
    ((*POD, "timeoutSeconds"), 10, "is cut"),
    ((*ONLY, "startupProbe", "httpGet", "path"), "/healthz", "startup probe requests"),
    ((*ONLY, "livenessProbe", "httpGet", "path"), "/readyz", "liveness probe requests"),
    ((*ONLY, "livenessProbe", "periodSeconds"), 1, "longer than its period"),
    ((*ONLY, "startupProbe", "failureThreshold"), 100, "wait so long"),
    ((*ONLY, "resources", "limits", "memory"), "64Mi", "gives no less memory with 1 CPUs"),
    ((*ONLY, "resources", "limits", "cpu"), "4", "gives no less memory with 4 CPUs"),
    ((*ONLY, "resources", "limits", "cpu"), "3", "has no 3 CPUs"),
    ((*ONLY, "resources", "limits", "cpu"), "500m", "has no 500m CPUs"),
]


def set_or_remove(thing: Thing, path: Path, value: object) -> None:
    holder, last = at(thing, path)
    if value is None:
        del holder[last]
    else:
        assert last not in (holder if isinstance(holder, dict) else ()) or holder[last] != value
        holder[last] = value


@pytest.mark.parametrize("kind, path, value, fault", KUBERNETES_FAULTS, ids=lambda part: str(part))
def test_kubernetes_rules_refuse(production: Manifests, kind: str, path: Path, value: object, fault: str) -> None:
    objects = copy.deepcopy(production.kubernetes)
    changed = first(objects, kind)
    set_or_remove(changed, path, value)
    found = kubernetes_rules.faults(objects, production.words)
    assert any(fault in sentence for sentence in found), found
    # No rule repeats what the schema refuses.
    schemas.validate(changed)


@pytest.mark.parametrize("path, value, fault", CLOUD_RUN_FAULTS, ids=lambda part: str(part))
def test_cloud_run_rules_refuse(production: Manifests, path: Path, value: object, fault: str) -> None:
    services = copy.deepcopy(production.cloud_run)
    set_or_remove(services[0], path, value)
    found = cloud_run_rules.faults(services, production.words)
    assert any(fault in sentence for sentence in found), found
    schemas.validate(services[0])


@pytest.mark.parametrize("kind", kubernetes_rules.PER_WORD)
def test_a_word_that_is_missing_is_missed(production: Manifests, kind: str) -> None:
    for objects, rules in ((production.kubernetes, kubernetes_rules), (production.cloud_run, cloud_run_rules)):
        gone = [
            thing for thing in objects if thing is not first(objects, kind if rules is kubernetes_rules else "Service")
        ]
        assert any("not those of the words" in fault for fault in rules.words(gone, production.words))


def test_a_variable_that_is_not_escaped_is_found(production: Manifests) -> None:
    objects = copy.deepcopy(production.kubernetes)
    container(first(objects, "Deployment"))["env"][2]["value"] = "$(LISTEN)"
    with pytest.raises(AssertionError, match="refers to the variable LISTEN"):
        kubernetes_rules.faults(objects, production.words)
