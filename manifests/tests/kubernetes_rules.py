"""The rules between Kubernetes' objects, beyond their schemas. Each rule yields a sentence for each fault."""

import ipaddress
import re
from collections.abc import Iterator

import manifests
from manifests import Thing, container, of_kind, pod, quantity

PER_WORD = ("Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "HTTPRoute")
COMMON = ("Namespace", "ServiceAccount", "NetworkPolicy")
NAMED_IMAGE = r"[^\s@]+@sha256:[0-9a-f]{64}"


def namespace(name: str) -> Thing:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def pods(app: str) -> Thing:
    return {**namespace("kube-system"), "podSelector": {"matchLabels": {"k8s-app": app}}}


def address(cidr: str) -> Thing:
    return {"ipBlock": {"cidr": cidr}}


# The source addresses of Google's load balancers and their health checks.
LOAD_BALANCERS = [address("35.191.0.0/16"), address("130.211.0.0/22")]
METADATA_SERVER = address("169.254.169.254/32")
# How long a terminating pod should still serve, by Google's advice against a 502 during a rollout.
DETACHED_SECONDS = 40
# The resolvers of a pod: the cluster's DNS, a cache on its node, Cloud DNS.
RESOLVERS = [pods("kube-dns"), pods("node-local-dns"), address("169.254.20.10/32"), METADATA_SERVER]


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


def words(objects: list[Thing], expected: dict[str, str]) -> Iterator[str]:
    kinds = {thing["kind"] for thing in objects}
    if kinds != {*PER_WORD, *COMMON}:
        yield f"the kinds are {sorted(kinds)}"
    for kind in COMMON:
        if len(of_kind(objects, kind)) != 1:
            yield f"there is not one {kind}"
    for kind in PER_WORD:
        names = sorted(thing["metadata"]["name"] for thing in of_kind(objects, kind))
        if names != sorted(f"wordtally-{name}" for name in expected):
            yield f"{kind}: not those of the words: {names}"
    for deployment in of_kind(objects, "Deployment"):
        name = deployment["metadata"]["name"].removeprefix("wordtally-")
        if manifests.environment(deployment).get("WORD") != expected.get(name):
            yield f"{name}: a different word is counted"


def names(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for thing in objects:
        name = thing["metadata"]["name"]
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", name):
            yield f"'{name}' is not a DNS label"
    (namespace,) = of_kind(objects, "Namespace")
    for thing in objects:
        if thing is not namespace and thing["metadata"].get("namespace") != namespace["metadata"]["name"]:
            yield f"{thing['metadata']['name']}: not in the namespace"


def security(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    (namespace,) = of_kind(objects, "Namespace")
    for mode in ("enforce", "audit", "warn"):
        if namespace["metadata"]["labels"].get(f"pod-security.kubernetes.io/{mode}") != "restricted":
            yield f"the namespace does not {mode} 'restricted'"
    for deployment in of_kind(objects, "Deployment"):
        name, spec, only = deployment["metadata"]["name"], pod(deployment), container(deployment)
        user = {"runAsNonRoot": True, "runAsUser": manifests.image_user(), "runAsGroup": manifests.image_user()}
        if spec.get("securityContext") != {**user, "seccompProfile": {"type": "RuntimeDefault"}}:
            yield f"{name}: the pod may run as root or another user, or make every system call"
        if only.get("securityContext") != {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }:
            yield f"{name}: the container may write or gain privileges"
        if any(spec.get(field) for field in ("hostNetwork", "hostPID", "hostIPC", "volumes", "initContainers")):
            yield f"{name}: the pod has more than the one container"
        if not re.fullmatch(NAMED_IMAGE, only["image"]):
            yield f"{name}: the image is not named by its digest"


def identity(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    (account,) = of_kind(objects, "ServiceAccount")
    google = account["metadata"].get("annotations", {}).get("iam.gke.io/gcp-service-account", "")
    if not re.fullmatch(r"[a-z0-9-]+@[a-z0-9-]+\.iam\.gserviceaccount\.com", google):
        yield "the service account is not a workload identity"
    if account.get("automountServiceAccountToken") is not False:
        yield "the service account's token is given to pods"
    for deployment in of_kind(objects, "Deployment"):
        spec = pod(deployment)
        if not manifests.pays(deployment):
            yield f"{deployment['metadata']['name']}: the cluster's project pays"
        if spec.get("serviceAccountName") != account["metadata"]["name"]:
            yield f"{deployment['metadata']['name']}: there is no such service account"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{deployment['metadata']['name']}: a pod is given a token of the cluster"


def selectors(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    deployments = of_kind(objects, "Deployment")
    labels = {d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"] for d in deployments}
    selecting = (
        [(thing, thing["spec"]["selector"]) for thing in of_kind(objects, "Service")]
        + [(thing, thing["spec"]["selector"]["matchLabels"]) for thing in of_kind(objects, "PodDisruptionBudget")]
        + [(thing, thing["spec"]["selector"]["matchLabels"]) for thing in deployments]
        + [
            (thing, constraint["labelSelector"]["matchLabels"])
            for thing in deployments
            for constraint in pod(thing)["topologySpreadConstraints"]
        ]
    )
    for thing, selector in selecting:
        name = thing["metadata"]["name"]
        chosen = [other for other, of_pod in labels.items() if selects(selector, of_pod)]
        if chosen != [name]:
            yield f"{thing['kind']} {name}: its selector matches the pods of {chosen}"
    for thing in of_kind(objects, "HorizontalPodAutoscaler"):
        target = thing["spec"]["scaleTargetRef"]
        if (target["apiVersion"], target["kind"]) != ("apps/v1", "Deployment") or target["name"] not in labels:
            yield f"{thing['metadata']['name']}: the target of the autoscaler does not exist"


def ports(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    by_name = {thing["metadata"]["name"]: thing for thing in of_kind(objects, "Deployment")}
    for service in of_kind(objects, "Service"):
        name = service["metadata"]["name"]
        container_ports = [port["name"] for port in container(by_name[name])["ports"]] if name in by_name else []
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in container_ports:
                yield f"{name}: no port of the container is called {port['targetPort']}"
    for name, deployment in by_name.items():
        (port,) = container(deployment)["ports"]
        if manifests.environment(deployment).get("LISTEN") != f"0.0.0.0:{port['containerPort']}":
            yield f"{name}: the service does not listen on its container's port"


def availability(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    autoscalers = {thing["metadata"]["name"]: thing["spec"] for thing in of_kind(objects, "HorizontalPodAutoscaler")}
    budgets = {thing["metadata"]["name"]: thing["spec"] for thing in of_kind(objects, "PodDisruptionBudget")}
    for deployment in of_kind(objects, "Deployment"):
        name = deployment["metadata"]["name"]
        if name not in autoscalers or name not in budgets:
            yield f"{name}: nothing sets the number of pods"
            continue
        least, most = autoscalers[name]["minReplicas"], autoscalers[name]["maxReplicas"]
        if not 2 <= least <= most:
            yield f"{name}: there may be only one pod, or the maximum is below the minimum"
        if budgets[name]["maxUnavailable"] >= least:
            yield f"{name}: all of its pods may be evicted at once"
        if budgets[name].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"{name}: no node can be drained while BigQuery fails"
        constraints = pod(deployment)["topologySpreadConstraints"]
        spread = {constraint["topologyKey"] for constraint in constraints}
        if spread != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
            yield f"{name}: one node or zone may have all of its pods"
        if any(constraint.get("matchLabelKeys") != ["pod-template-hash"] for constraint in constraints):
            yield f"{name}: terminating pods are counted when new ones are spread"
        if "replicas" in deployment["spec"]:
            yield f"{name}: an apply would overwrite the autoscaler's number"
        if deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] != 0:
            yield f"{name}: a rollout removes pods before there are new ones"
        pause = container(deployment)["lifecycle"]["preStop"]["sleep"]["seconds"]
        if pause < DETACHED_SECONDS:
            yield f"{name}: a load balancer still sends requests to a removed pod"
        if pod(deployment)["terminationGracePeriodSeconds"] <= pause + manifests.drain_seconds():
            yield f"{name}: a pod is killed before it has drained"


def probes(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for deployment in of_kind(objects, "Deployment"):
        name, only = deployment["metadata"]["name"], container(deployment)
        for kind, path in (("startup", "/healthz"), ("liveness", "/healthz"), ("readiness", "/readyz")):
            asked = only.get(f"{kind}Probe", {}).get("httpGet", {})
            if asked.get("path") != path or path not in manifests.service_paths():
                yield f"{name}: the {kind} probe requests {asked.get('path')}"
            if asked.get("port") not in [port["name"] for port in only["ports"]]:
                yield f"{name}: the {kind} probe uses a port that the container does not have"


def resources(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    for deployment in of_kind(objects, "Deployment"):
        name, given = deployment["metadata"]["name"], container(deployment).get("resources", {})
        requests, limits = given.get("requests", {}), given.get("limits", {})
        if {"cpu", "memory"} != requests.keys() or requests.keys() != limits.keys():
            yield f"{name}: not every resource has a request and a limit"
            continue
        if not manifests.measured_bytes() <= quantity(requests["memory"]) <= quantity(limits["memory"]):
            yield f"{name}: less memory than an instance was measured to use"
        if not quantity(requests["cpu"]) <= quantity(limits["cpu"]) >= 1:
            yield f"{name}: its one thread is throttled"


def network(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    (policy,) = of_kind(objects, "NetworkPolicy")
    spec = policy["spec"]
    if spec["podSelector"] or sorted(spec["policyTypes"]) != ["Egress", "Ingress"]:
        yield "the network policy does not cover a pod or a direction"
    container_ports = {port["containerPort"] for d in of_kind(objects, "Deployment") for port in container(d)["ports"]}
    for rule in spec["ingress"]:
        if not rule.get("from") or {port["port"] for port in rule["ports"]} != container_ports:
            yield "any client may connect, or a port other than the service's is open"
    for rule in spec["egress"]:
        if not rule.get("to") or not rule.get("ports"):
            yield "a pod may connect to any address"
    peers = [peer for rule in spec["ingress"] for peer in rule.get("from", [])]
    peers += [peer for rule in spec["egress"] for peer in rule.get("to", [])]
    for peer in peers:
        if not peer or any(value == {} for value in peer.values()):
            yield "a peer is unrestricted"
        if "ipBlock" in peer and ipaddress.ip_network(peer["ipBlock"]["cidr"]).prefixlen < 16:
            yield f"{peer['ipBlock']['cidr']} is half of the Internet"


def peers_at(rules: list[Thing], side: str, protocol: str, port: int) -> list[Thing]:
    wanted = {"protocol": protocol, "port": port}
    return [peer for rule in rules if wanted in rule["ports"] for peer in rule.get(side, [])]


def connections(objects: list[Thing], _: dict[str, str]) -> Iterator[str]:
    (policy,) = of_kind(objects, "NetworkPolicy")
    gateways = {
        parent["namespace"] for route in of_kind(objects, "HTTPRoute") for parent in route["spec"].get("parentRefs", [])
    }
    for port in {port["containerPort"] for d in of_kind(objects, "Deployment") for port in container(d)["ports"]}:
        clients = peers_at(policy["spec"]["ingress"], "from", "TCP", port)
        for client in [namespace(gateway) for gateway in gateways] + LOAD_BALANCERS:
            if client not in clients:
                yield f"the pods' port {port} is closed to {client}"
    egress = policy["spec"]["egress"]
    for protocol in ("UDP", "TCP"):
        asked = peers_at(egress, "to", protocol, 53)
        for resolver in RESOLVERS:
            if resolver not in asked:
                yield f"no name can be resolved over {protocol} by {resolver}"
    for server, port in ((METADATA_SERVER, 80), (address("169.254.169.252/32"), 988)):
        if server not in peers_at(egress, "to", "TCP", port):
            yield f"there is no token from port {port} of {server}"
    if not any("ipBlock" in peer for peer in peers_at(egress, "to", "TCP", 443)):
        yield "BigQuery is out of reach"


# The target of a route, and the path there.
Route = tuple[str | tuple[str, int], str]


def routed(objects: list[Thing], path: str) -> Route | None:
    """How the Gateway routes a path: the target of its redirect, or the service and the path that it requests. An exact
    path takes precedence over a prefix, and a longer prefix over a shorter one."""
    best: tuple[tuple[bool, int], Thing, str] | None = None
    for route in of_kind(objects, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            for match in rule["matches"]:
                kind, value = match["path"]["type"], match["path"]["value"]
                exact = kind == "Exact" and value == path
                prefix = kind == "PathPrefix" and f"{path}/".startswith(f"{value.rstrip('/')}/")
                if (exact or prefix) and (best is None or (exact, len(value)) > best[0]):
                    best = (exact, len(value)), rule, value
    if best is None:
        return None
    _, rule, matched = best
    (asked,) = rule["filters"]
    if asked["type"] == "RequestRedirect":
        return "redirect", asked["requestRedirect"]["path"]["replaceFullPath"]
    (backend,) = rule["backendRefs"]
    rest = path.removeprefix(matched.rstrip("/")).lstrip("/")
    return (backend["name"], backend["port"]), asked["urlRewrite"]["path"]["replacePrefixMatch"] + rest


def routes(objects: list[Thing], expected: dict[str, str]) -> Iterator[str]:
    for route in of_kind(objects, "HTTPRoute"):
        if not route["spec"].get("parentRefs") or not route["spec"].get("hostnames"):
            yield f"{route['metadata']['name']}: it is attached to no Gateway, or it takes requests for every host"
        if any("sectionName" not in parent for parent in route["spec"].get("parentRefs", [])):
            yield f"{route['metadata']['name']}: a listener without TLS serves it as well"
    services = {
        (thing["metadata"]["name"], port["port"])
        for thing in of_kind(objects, "Service")
        for port in thing["spec"]["ports"]
    }
    for name in expected:
        page = f"/{name}/"
        asked = routed(objects, page)
        if asked != ((f"wordtally-{name}", 80), "/") or asked[0] not in services:
            yield f"{page} is not served by the service: {asked}"
        internal = [path for path in manifests.service_paths() if path != "/"]
        for path in [f"/{name}", *(f"/{name}{path}" for path in internal)]:
            if routed(objects, path) != ("redirect", page):
                yield f"{path} is exposed to clients: {routed(objects, path)}"
    if routed(objects, "/no-such-word/") is not None:
        yield "a path without a word is routed"


RULES = (
    words,
    names,
    security,
    identity,
    selectors,
    ports,
    availability,
    probes,
    resources,
    network,
    connections,
    routes,
)


def faults(objects: list[Thing], expected: dict[str, str]) -> list[str]:
    return [fault for rule in RULES for fault in rule(objects, expected)]
