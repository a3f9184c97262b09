"""A deployer: signs releases, and runs the deploy command."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from typing import Any

from client import connect, pages
from given import LOCK, RELEASES
from load import Load
from machine import Machine, wait
from words import all_ready, started

SYSTEMS = "readlink -f /run/current-system; readlink -e /nix/var/nix/profiles/system || true"
MADE = 1_700_000_000  # the time of the commit of all releases here, in seconds since 1970
# The variables of a pipeline's job.
JOB = {
    "CI_JOB_URL": "https://git.example.test/words/-/jobs/1",
    "CI_SERVER_URL": "https://git.example.test",
    "CI_PROJECT_URL": "https://git.example.test/words",
    "CI_RUNNER_ID": "7",
    "CI_COMMIT_BRANCH": "main",
}


def run(*command: str, folder: str, **environment: str) -> str:
    return subprocess.run(
        command,
        env=os.environ | environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


class Key:
    """A key pair without a password, because releases signed here are used nowhere else."""

    def __init__(self, name: str) -> None:
        folder = tempfile.mkdtemp(prefix="vm-test-key-")
        self.private, self.public = (os.path.join(folder, f"{name}.{half}") for half in ("key", "pub"))
        run("cosign", "generate-key-pair", "--output-key-prefix", name, folder=folder, COSIGN_PASSWORD="")


class Deployer:
    """Has the signing key that the machine was started with, and the machine's login key."""

    def __init__(self, machine: Machine, key: Key) -> None:
        self.machine = machine
        self.key = key
        self.folder = tempfile.mkdtemp(prefix="vm-test-releases-")
        # Readable by everyone, as a GitLab runner writes a file variable.
        self.identity = shutil.copyfile(machine.identity(), os.path.join(self.folder, "identity"))
        os.chmod(self.identity, 0o666)
        # A commit to attest.
        run("git", "init", "--quiet", self.folder, folder=self.folder)
        shutil.copyfile(LOCK, os.path.join(self.folder, "flake.lock"))
        run("git", "add", "flake.lock", folder=self.folder)
        commit = ["git", "-c", "user.name=vm-test", "-c", "user.email=", "commit", "--quiet", "-m", "test"]
        run(*commit, folder=self.folder)
        self.commit = run("git", "rev-parse", "HEAD", folder=self.folder).strip()

    def attested(self, name: str) -> str:
        """The signed release, which is made at its first use."""
        folder = os.path.join(self.folder, name)
        return folder if os.path.exists(folder) else self.attest(name, folder)

    def attest(self, name: str, folder: str, key: Key | None = None, made: int = MADE, **job: str) -> str:
        """Signs the release `name` again, as a job with different variables."""
        built = self._committed(name, made)
        environment = JOB | job | {"COSIGN_KEY": (key or self.key).private}
        run("deploy", "attest", built, folder, folder=self.folder, **environment)
        return folder

    def _committed(self, name: str, made: int) -> str:
        """The files of the release that are signed, as if it had been built from this commit."""
        release = os.path.join(RELEASES, name)
        folder = tempfile.mkdtemp(prefix=f"vm-test-{name}-")
        shutil.copyfile(os.path.join(release, "sbom.cdx.json"), os.path.join(folder, "sbom.cdx.json"))
        shutil.copytree(os.path.join(release, "closures"), os.path.join(folder, "closures"))
        with open(os.path.join(release, "release.json"), encoding="utf-8") as file:
            content = json.load(file)
        with open(os.path.join(folder, "release.json"), "w", encoding="utf-8") as file:
            json.dump(content | {"revision": self.commit, "commitTime": made}, file)
        return folder

    def command(self, *words: str, folder: str, key: Key | None = None) -> list[str]:
        common = ["--attested", folder, "--key", (key or self.key).public, "--identity", self.identity]
        return ["deploy", *words, *common]

    def start(self, name: str, *options: str, folder: str | None = None) -> "subprocess.Popen[str]":
        """Starts to deploy a release."""
        return subprocess.Popen(
            self.command("to", "mock-prod", *options, folder=folder or self.attested(name)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def deploy(self, name: str, *options: str, folder: str | None = None, timeout: float = 900) -> tuple[int, str]:
        """Its exit code and its output."""
        process = self.start(name, *options, folder=folder)
        try:
            said = process.communicate(timeout=timeout)[0]
        finally:
            process.kill()
        shown(said)
        return process.returncode, said

    def asks(
        self, *words: str, release: str = "good", folder: str | None = None, key: Key | None = None
    ) -> tuple[int, str]:
        """Runs another command for the host: `check`, `rollback`, `status`."""
        verb, *options = words
        done = subprocess.run(
            self.command(verb, "mock-prod", *options, folder=folder or self.attested(release), key=key),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        shown(done.stdout)
        return done.returncode, done.stdout

    def report(self, verb: str) -> dict[str, Any]:
        """The output of `status`, `list` or `log` for the host, as JSON."""
        code, said = self.asks(verb, "--json")
        assert code == 0, said
        report: dict[str, Any] = json.loads(said)
        return report

    def systems(self) -> list[str]:
        """The system that the machine runs, and the one that it would boot."""
        return self.machine.run(SYSTEMS).split()

    def under_way(self) -> bool:
        units = "deploy-wordtally.service deploy-host-recover.service"
        states = self.machine.run(f"systemctl show --property ActiveState --value {units}").split()
        return any(state not in ("inactive", "failed") for state in states)


def shown(said: str) -> None:
    print("".join(f"#   {line}\n" for line in said.splitlines()), end="", flush=True)


def until(process: "subprocess.Popen[str]", text: str) -> str:
    """The output of a deployment up to a line with this text."""
    said = ""
    assert process.stdout
    for line in process.stdout:
        print(f"#   {line}", end="", flush=True)
        said += line
        if re.search(text, line):
            return said
    raise AssertionError(f"it ended without {text!r}: {said}")


def rest(process: "subprocess.Popen[str]", timeout: float = 900) -> str:
    said = process.communicate(timeout=timeout)[0]
    shown(said)
    return said


def kill(process: "subprocess.Popen[str]") -> None:
    """Kills it like a lost runner, which sends nothing more to the machine."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def deployed_under_load(
    deployer: Deployer, name: str, *options: str, paths: list[str] | None = None
) -> tuple[int, str, Load]:
    """Deploys the release while clients send requests; returns its exit code, its output, and the load."""
    deployer.attested(name)
    expected = pages()
    # Fewer clients than for a restart, because an emulated machine also has to deploy.
    with Load(connect, {path: expected[path] for path in paths or expected}, threads=3) as load:
        wait("the load to begin", lambda: load.reached(100))
        code, said = deployer.deploy(name, *options)
        served = load.good + len(load.failures)
        # Effects after the end of the deployment would show here.
        wait("more requests", lambda: load.reached(served + 200))
    figures(load)
    return code, said, load


def figures(load: Load, what: str = "") -> None:
    print(f"# {what}{load.good} good, {len(load.failures)} failed", flush=True)


def nothing_left(machine: Machine, deployer: Deployer) -> None:
    """No unit, socket, secret or state of a deployment outlives it."""
    wait("the end of the deployment", lambda: not deployer.under_way(), patience=300)
    left = machine.run("ls -d /run/systemd/system/preflight* /run/preflight* || true")
    assert left == "", left
    failed = machine.run("systemctl list-units --failed --plain --no-legend 'deploy*' 'preflight*' 'wordtally*'")
    assert failed == "", failed


def refused_before_any_client(machine: Machine, deployer: Deployer, name: str, why: str) -> None:
    """The release never serves: the running system is unchanged, and no client notices."""
    before = started(machine), deployer.systems()
    code, said, load = deployed_under_load(deployer, name)
    assert code != 0 and "deploy: mock-prod: refused: " in said and why in said, said
    assert not load.failures, load.failures[:10]
    assert (started(machine), deployer.systems()) == before
    nothing_left(machine, deployer)


def rolled_back(machine: Machine, deployer: Deployer, name: str, paths: list[str] | None = None) -> tuple[str, Load]:
    before, expected = deployer.systems(), pages()
    code, said, load = deployed_under_load(deployer, name, paths=paths)
    assert code != 0 and "deploy: mock-prod: rolled back: " in said, said
    is_as_before(machine, deployer, before, expected)
    return said, load


def is_as_before(machine: Machine, deployer: Deployer, systems: list[str], expected: dict[str, str]) -> None:
    nothing_left(machine, deployer)
    assert deployer.systems() == systems
    all_ready(machine)
    assert pages() == expected
