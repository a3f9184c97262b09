"""Executes the jobs that publish, sign, deploy and check, one by one. Each has an empty store, its own home and checkout,
and only those artifacts of earlier jobs that GitLab would give it. The deployer, cosign, skopeo and the registry are
real; Nix is a stand-in that knows no store path, and the host is one that runs the release."""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FILES, ROOT, RUNNER

sys.path.insert(0, str(ROOT / "release/tests"))
from registry import Registry  # noqa: E402

STAND_INS = Path(__file__).parent / "stand_ins"
WORDTALLY = os.environ.get("WORDTALLY", str(ROOT / "target/debug/wordtally"))
DEPLOY = os.environ.get("DEPLOY", str(Path(WORDTALLY).with_name("deploy")))
SYSTEM = "/nix/store/" + "1" * 32 + "-nixos-system"
PACKAGE = "/nix/store/" + "2" * 32 + "-wordtally"
HASH = "sha256:" + "0" * 52
JOBS = ["build", "publish", "attest", "deploy mock-prod"]

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ["cosign", "skopeo", "rsync"]))
    or not (shutil.which("registry") or shutil.which("docker-registry"))
    or not Path(DEPLOY).exists(),
    reason="needs cosign, skopeo, rsync, a registry, and the deployer ($DEPLOY)",
)


class Project:
    """A project with keys and one host, whose release says that the host runs it."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.notes, self.clone, self.registry = folder / "notes", folder / "clone", registry
        self.notes.mkdir()
        for file in [*FILES, "flake.lock"]:
            (self.clone / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, self.clone / file)
        key = ["cosign", "generate-key-pair", "--output-key-prefix", "key"]
        subprocess.run(key, cwd=self.notes, input=b"a password", capture_output=True, check=True)
        (self.notes / "password").write_text("a password\n")
        (self.clone / "release").mkdir()
        shutil.copyfile(self.notes / "key.pub", self.clone / "release/cosign.pub")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", "https://gitlab.example.com/group/wordtally.git")
        self.git("add", ".")
        self.git("-c", "user.name=nobody", "-c", "user.email=", "commit", "--quiet", "--message=project")
        self.commit = self.git("rev-parse", "HEAD")
        self.build()
        self.reset()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.clone, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    def build(self) -> None:
        """The output of `nix build .#subjects`."""
        folder = self.notes / "subjects"
        (folder / "closures/hosts").mkdir(parents=True)
        (folder / "bin").mkdir()
        shutil.copy(DEPLOY, folder / "bin/deploy")
        closure = f"{SYSTEM} {HASH}\n{PACKAGE} {HASH}\n"
        (folder / "closures/hosts/mock-prod").write_text(closure)
        (folder / "closures/package").write_text(f"{PACKAGE} {HASH}\n")
        (folder / "sbom.cdx.json").write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6"}))
        deployment = {
            "address": "127.0.0.1",
            "port": 2222,
            "hostKey": None,
            "pages": {},
            "certificateAuthority": None,
            "expectedCounts": {},
        }
        release = {
            "version": "0.1.0",
            "revision": self.commit,
            "commitTime": 1000,
            "package": PACKAGE,
            "image": image(folder / "image"),
            "inputs": {},
            "hosts": {"mock-prod": {"system": SYSTEM, "deployment": deployment}},
        }
        (folder / "release.json").write_text(json.dumps(release))
        self.closure = hashlib.sha256(closure.encode()).hexdigest()

    def reset(self, commit_time: int = 1000, **host: Any) -> None:
        """Removes the traces of another run; the host runs a release of the given time."""
        shutil.rmtree(self.clone / ".gitlab-ci-local", ignore_errors=True)
        for file in ["calls", "store", "requests"]:
            (self.notes / file).unlink(missing_ok=True)
        release = {
            "version": "0.1.0",
            "commit": self.commit,
            "commitTime": commit_time,
            "ref": "refs/heads/main",
        }
        content = {"system": SYSTEM, "closure": self.closure, "release": release} | host
        (self.notes / "host.json").write_text(json.dumps(content))

    def programs(self) -> Path:
        """The stand-ins, under the names of the programs that they replace."""
        folder = self.notes / "programs"
        folder.mkdir(exist_ok=True)
        for file in STAND_INS.iterdir():
            if file.suffix in (".py", ".sh"):
                name = folder / file.stem
                name.unlink(missing_ok=True)
                name.symlink_to(file)
        return folder

    def run(self, *jobs: str) -> tuple[dict[str, str], str]:
        """The outcome of each job, and the output."""
        scoped = {
            "COSIGN_KEY": {"type": "variable", "values": {"signing": str(self.notes / "key.key")}},
            "COSIGN_PASSWORD_FILE": {"type": "variable", "values": {"signing": str(self.notes / "password")}},
        }
        plain = {
            "IMAGE_REPOSITORY": f"{self.registry.name}/wordtally",
            "INSECURE_REGISTRY": "1",
            "DEPLOY_HOSTS": "mock-prod",
        }
        variables = self.notes / "variables.yml"
        variables.write_text(json.dumps(scoped | plain))
        command = [RUNNER, "--force-shell-executor", "--shell-isolation", "--concurrency", "1"]
        command += ["--variables-file", os.path.relpath(variables, self.clone)]
        command += ["--variable", "CI_PIPELINE_SOURCE=push", "--variable", "CI_DEFAULT_BRANCH=main", *jobs]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "COSIGN"))}
        environment |= {
            "JOBS_NOTES": str(self.notes),
            "JOBS_DEPLOY": DEPLOY,
            "PATH": f"{self.programs()}:{os.environ['PATH']}",
        }
        said = subprocess.run(
            command,
            cwd=self.clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        ).stdout
        # Its exit code does not report a job that is allowed to fail with one code and fails with another.
        ended = re.findall(rf"^ *(PASS|WARN|FAIL) +({'|'.join(JOBS)})\b", said, re.MULTILINE)
        return {job: how for how, job in ended}, said[-3000:]

    def noted(self, name: str) -> list[Any]:
        file = self.notes / name
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def image(folder: Path) -> str:
    """Writes an image with one empty layer as an OCI layout; returns the digest of its manifest."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {
            "mediaType": f"application/vnd.oci.image.{kind}",
            "digest": f"sha256:{digest}",
            "size": len(content),
        }

    tar = io.BytesIO()
    tarfile.open(fileobj=tar, mode="w").close()
    layer = blob(gzip.compress(tar.getvalue(), mtime=0), "layer.v1.tar+gzip")
    diff = f"sha256:{hashlib.sha256(tar.getvalue()).hexdigest()}"
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": [layer],
    }
    entry = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return str(entry["digest"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("jobs")
    registry = Registry(folder)
    yield Project(folder, registry)
    registry.stop()


def test_each_job_ends_well_by_its_artifacts_alone(project: Project) -> None:
    project.reset()
    ended, said = project.run(*JOBS)
    assert ended == dict.fromkeys(JOBS, "PASS"), said
    # Each job in its own checkout.
    checkouts: dict[str, set[str]] = {}
    for job, folder, *_ in project.noted("calls"):
        checkouts.setdefault(job, set()).add(folder)
    assert [*checkouts] == JOBS
    assert len(set.union(*checkouts.values())) == len(JOBS)
    assert str(project.clone) not in set.union(*checkouts.values())
    # No job queried a store, because none has to have the paths.
    assert not (project.notes / "store").exists()
    # The registry has what was signed.
    assert len(project.registry.manifests()) >= 2
    # The host was checked in the deployment's own job, after the deployment.
    requests = [(job, request["request"]) for job, request in project.noted("requests")]
    assert {job for job, _ in requests} == {"deploy mock-prod"}
    assert requests[-1][1] == "check"


@pytest.mark.parametrize("job", JOBS[1:])
def test_a_job_without_its_artifact_fails(project: Project, job: str) -> None:
    """So the test above would notice a job that uses files of another job."""
    project.reset()
    ended, said = project.run(job)
    assert ended == {job: "FAIL"}, said


def test_a_newer_release_on_the_host_is_a_warning(project: Project) -> None:
    project.reset(commit_time=2000, system=SYSTEM.replace("1" * 32, "3" * 32))
    ended, said = project.run(*JOBS)
    assert ended == dict.fromkeys(JOBS[:-1], "PASS") | {JOBS[-1]: "WARN"}, said
    assert "superseded" in said
    # It is not checked for a release that it did not accept.
    assert "check" not in [request["request"] for _, request in project.noted("requests")]


def test_other_bytes_on_the_host_fail_the_job(project: Project) -> None:
    project.reset(closure="0" * 64)
    ended, said = project.run(*JOBS)
    assert ended == dict.fromkeys(JOBS[:-1], "PASS") | {JOBS[-1]: "FAIL"}, said
    assert "its paths are not what was signed" in said
