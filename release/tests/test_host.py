"""Offers releases that cosign signed to a host's own program, which refuses each one that its policy does not accept."""

import hashlib
import json
import pathlib
import subprocess
import tempfile
from typing import Any

import pytest
from vouched import BUNDLE, Change, Release

POLICY = {
    "keyFiles": ["/etc/cosign.pub"],
    "repositories": ["https://gitlab.example.com/wordtally"],
    "builders": ["https://gitlab.example.com/-/runners/*"],
    "refs": ["refs/heads/main", "refs/tags/v*"],
}


class Host:
    """A host that is simulated by a folder, with the name of production."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.root = pathlib.Path(tempfile.mkdtemp(dir=release.scratch))
        for folder in ["etc/deploy-host", "run", "nix/store", "nix/var/nix/gcroots", "nix/var/nix/profiles", "var/lib"]:
            (self.root / folder).mkdir(parents=True)
        self.runs("/nix/store/00000000000000000000000000000000-nixos-system-before")
        config: dict[str, object] = {
            "environment": "prod",
            "listen": {},
            "pages": {},
            "certificateAuthority": None,
            "expectedCounts": {},
            "secrets": {},
            "identities": [],
            "trust": POLICY,
        }
        (self.root / "etc/deploy-host/host.json").write_text(json.dumps(config))
        self.trust("ours")

    def trust(self, key: str) -> None:
        (self.root / "etc/cosign.pub").write_bytes((self.release.scratch / f"{key}.pub").read_bytes())

    def runs(self, system: str) -> None:
        (self.root / system[1:]).mkdir(exist_ok=True)
        for link in ["run/current-system", "nix/var/nix/profiles/system"]:
            (self.root / link).unlink(missing_ok=True)
            (self.root / link).symlink_to(system)

    def offer(self, attested: pathlib.Path) -> dict[str, Any]:
        request = {
            "version": 1,
            "request": "offer",
            "bundle": (attested / BUNDLE).read_text(),
            "release": (attested / "release.json").read_text(),
            "closure": (attested / "closures/hosts/prod").read_text(),
        }
        line = json.dumps(request) + "\n"
        done = subprocess.run(
            ["deploy-host", "--root", self.root, "serve"], input=line.encode(), capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def refused(self, sentence: str, attested: pathlib.Path) -> None:
        said = self.offer(attested).get("refused", "it was taken")
        assert sentence in said
        assert "\n" not in said


@pytest.fixture
def host(release: Release) -> Host:
    return Host(release)


def in_ci(statement: dict[str, Any]) -> None:
    """As a pipeline that the policy names signs it."""
    definition = statement["predicate"]["buildDefinition"]
    definition["externalParameters"].update(repository=POLICY["repositories"][0], ref="refs/heads/main")
    statement["predicate"]["runDetails"]["builder"]["id"] = "https://gitlab.example.com/-/runners/12"


def signed(release: Release, change: Change = lambda _: None) -> pathlib.Path:
    def both(statement: dict[str, Any]) -> None:
        in_ci(statement)
        change(statement)

    return release.signed(both)


def of_time(release: Release, time: int) -> pathlib.Path:
    """The same release, of a commit with another time."""
    content = json.dumps(release.contents | {"commitTime": time})

    def other(statement: dict[str, Any]) -> None:
        subject = next(s for s in statement["subject"] if s["name"] == "release.json")
        subject["digest"]["sha256"] = hashlib.sha256(content.encode()).hexdigest()

    attested = signed(release, other)
    (attested / "release.json").write_text(content)
    return attested


def test_a_host_takes_what_its_policy_names(release: Release, host: Host) -> None:
    done = host.offer(signed(release))["done"]
    assert done["system"] == release.contents["hosts"]["prod"]["system"]
    assert done["release"] == hashlib.sha256((release.attested / "release.json").read_bytes()).hexdigest()


def test_a_host_refuses_another_key(release: Release, host: Host) -> None:
    host.trust("theirs")
    host.refused(f"{BUNDLE} is not signed by ", signed(release))


@pytest.mark.parametrize(
    ("name", "other", "sentence"),
    [
        ("repository", "https://gitlab.example.com/fork", "the release was built from the repository "),
        ("ref", "refs/heads/topic", "the release was built from refs/heads/topic, which this host does not accept"),
        ("ref", "refs/heads/main2", "expected refs/heads/main or refs/tags/v*"),
    ],
)
def test_a_host_refuses_another_origin(release: Release, host: Host, name: str, other: str, sentence: str) -> None:
    def change(statement: dict[str, Any]) -> None:
        statement["predicate"]["buildDefinition"]["externalParameters"][name] = other

    host.refused(sentence, signed(release, change))


def test_a_host_refuses_another_builder(release: Release, host: Host) -> None:
    # As it is signed outside a pipeline.
    host.refused(
        "#outside-ci, which this host does not accept",
        signed(release, lambda s: s["predicate"]["runDetails"]["builder"].update(
            id="https://gitlab.com/wordtally/wordtally/-/blob/main/docs/reference/release.md#outside-ci"
        )),
    )  # fmt: skip


def test_a_host_refuses_an_older_release(release: Release, host: Host) -> None:
    assert "done" in host.offer(of_time(release, 1_790_000_000))
    host.runs(release.contents["hosts"]["prod"]["system"])
    assert "done" in host.offer(of_time(release, 1_790_000_001))
    host.refused("the release is older than what runs", of_time(release, 1_789_999_999))


def test_a_host_refuses_an_altered_file(release: Release, host: Host) -> None:
    for name, subject in [("release.json", "release.json"), ("closures/hosts/prod", "hosts/prod")]:
        attested = signed(release)
        content = (attested / name).read_text()
        (attested / name).write_text(content.replace("nixos-system", "another-system", 1))
        host.refused(f"{subject} is not what was signed", attested)
