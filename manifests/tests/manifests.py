"""The written manifests, and the facts about the service from the rest of the project."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# An object of a platform, or a part of one; the schemas define its structure.
Thing = dict[str, Any]

PROJECT = Path(__file__).parents[2]


@dataclass
class Manifests:
    """One folder: the objects for both platforms, and their words, by instance name."""

    kubernetes: list[Thing]
    cloud_run: list[Thing]
    words: dict[str, str]


def documents(folder: Path) -> Iterator[Thing]:
    """Each file's content. A JSON reader and a YAML reader must agree on it."""
    for path in sorted(folder.iterdir()):
        assert path.suffix == ".yaml", f"{path}: Flux does not read it"
        text = path.read_text()
        content = json.loads(text)
        assert yaml.safe_load(text) == content, f"{path}: it differs when read as YAML and as JSON"
        yield content


def load(folder: Path) -> Manifests:
    lists = list(documents(folder / "kubernetes"))
    assert all((content["apiVersion"], content["kind"]) == ("v1", "List") for content in lists)
    return Manifests(
        kubernetes=[item for content in lists for item in content["items"]],
        cloud_run=list(documents(folder / "cloud-run")),
        words=json.loads((folder / "words.json").read_text()),
    )


def of_kind(objects: list[Thing], kind: str) -> list[Thing]:
    return [thing for thing in objects if thing["kind"] == kind]


def pod(workload: Thing) -> Thing:
    """The pod of a Deployment, or the revision of a Cloud Run service."""
    spec: Thing = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Thing) -> Thing:
    only: Thing
    (only,) = pod(workload)["containers"]
    return only


def expanded(value: str) -> str:
    """A variable's value as Kubernetes passes it to the process: `$$` becomes `$`, and `$(X)` the value of X."""

    def one(match: re.Match[str]) -> str:
        assert match[0] == "$$", f"{value!r} refers to the variable {match[1]}"
        return "$"

    return re.sub(r"\$(?:\$|\(([^)]*)\))", one, value)


def environment(workload: Thing) -> dict[str, str]:
    """The variables as the process sees them."""
    read: Callable[[str], str] = expanded if workload["kind"] == "Deployment" else str
    return {variable["name"]: read(variable["value"]) for variable in container(workload)["env"]}


def pays(workload: Thing) -> bool:
    """Whether it names the project that pays; otherwise the metadata server would name the cluster's."""
    return bool(environment(workload).get("PROJECT"))


def quantity(text: str) -> float:
    """A Kubernetes quantity as a number: bytes, or CPUs."""
    found = re.fullmatch(r"(\d+)(m|[KMGT]i|)", text)
    assert found, f"'{text}' is not a quantity"
    return int(found[1]) * {"": 1, "m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}[found[2]]


def _one(path: str, pattern: str) -> str:
    found: str
    (found,) = re.findall(pattern, (PROJECT / path).read_text(), re.MULTILINE)
    return found


def service_paths() -> list[str]:
    """The service's paths, from the table on its page."""
    section = _one("docs/reference/http.md", r"(?s)^## Paths\n(.*?)^## ")
    return re.findall(r"^\| `(/\w*)` \|", section, re.MULTILINE)


def drain_seconds() -> int:
    return int(_one("src/server/limits.rs", r"^ +drain: Duration::from_secs\((\d+)\)"))


def first_answer_seconds() -> int:
    return int(_one("src/server/limits.rs", r"^ +first_answer: Duration::from_secs\((\d+)\)"))


def measured_bytes() -> float:
    """The measured memory of one instance after a load."""
    return float(_one("bench/results.md", r"^\| RSS after the load, MB \| ([\d.]+) \| ≤")) * 1_000_000


def image_user() -> int:
    return int(_one("docs/reference/image.md", r"^\| user \| `(\d+):\d+` \|"))
