#!/usr/bin/env python3
"""Executes the pipeline of the default branch without GitLab, for real.

execute.py [JOB…]   without names: all that leads from a build to mock production

It clones the last commit, starts a registry on the loopback and each machine that a job deploys to, makes a key pair, and
lets gitlab-ci-local run the jobs; the deployments go to those virtual machines. Needs Nix, docker-registry, rsync, and
npm's packages of this folder.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "release/tests"))
from registry import Registry  # noqa: E402

T = TypeVar("T")
RUNNER = HERE / "node_modules/.bin/gitlab-ci-local"
PROMOTION = ["build", "publish", "attest", "deploy dev", "verify dev", "deploy mock-prod", "verify mock-prod"]
HOSTS = {"dev": "vm-dev", "mock-prod": "vm-prod"}
PATIENCE = 900  # seconds for a machine to answer, emulated beside another


def not_run(why: str) -> NoReturn:
    print(f"NOT RUN: the pipeline's execution: {why}")
    sys.exit(0)


def wait(what: str, answer: Callable[[], T | None]) -> T:
    end = time.monotonic() + PATIENCE
    while not (got := answer()):
        if time.monotonic() > end:
            sys.exit(f"waited {PATIENCE} s for {what}")
        time.sleep(1)
    return got


class Run:
    """What is started for one execution, and ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clone = folder / "wordtally"
        self.started: list[subprocess.Popen[bytes]] = []
        self.registry: Registry | None = None
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        self.git("checkout", "--quiet", "-B", "main")
        self.lock()

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.clone, check=True)

    def lock(self) -> None:
        """Commits what this machine's Nix takes for the inputs: where that is not what flake.lock says, a release would
        be of no commit."""
        locks = json.loads(self.nix("flake", "metadata", "--json"))["locks"]
        file = self.clone / "flake.lock"
        if locks != json.loads(file.read_text()):
            file.write_text(json.dumps(locks, indent=2))
            self.git("-c", "user.name=execute", "-c", "user.email=", "commit", "--quiet", "--all", "--message=lock")

    def start(self, name: str, *command: str) -> Path:
        log = self.folder / f"{name}.log"
        with log.open("wb") as file:
            self.started.append(
                subprocess.Popen(
                    command,
                    cwd=self.clone,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        return log

    def nix(self, *arguments: str, given: str = "", **environment: str) -> str:
        done = subprocess.run(
            ["nix", *arguments],
            cwd=self.clone,
            env=os.environ | environment,
            input=given,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def cache(self) -> dict[str, object]:
        """A binary cache that takes what it is signed by, as GitLab's variables name it."""
        key = ["--extra-experimental-features", "nix-command", "key"]
        secret = self.nix(*key, "generate-secret", "--key-name", "pipeline-1")
        (self.folder / "cache.key").write_text(secret)
        return {
            "NIX_CACHE": f"file://{self.folder}/cache?compression=zstd",
            "NIX_CACHE_KEY_FILE": str(self.folder / "cache.key"),
            "NIX_CACHE_PUBLIC_KEY": self.nix(*key, "convert-secret-to-public", given=secret),
        }

    def signed(self) -> int:
        """How many paths the cache has; each must have our signature."""
        paths = [path.read_text() for path in self.folder.glob("cache/*.narinfo")]
        unsigned = [text for text in paths if "\nSig: pipeline-1:" not in text]
        if unsigned or not paths:
            sys.exit(f"of {len(paths)} paths in the cache {len(unsigned)} are not signed")
        return len(paths)

    def key(self) -> dict[str, object]:
        """A pair of keys that signs and verifies releases."""
        self.nix(
            "develop", "--command", "cosign", "generate-key-pair", "--output-key-prefix", "key", COSIGN_PASSWORD=""
        )
        for half in ("key.key", "key.pub"):
            shutil.move(self.clone / half, self.folder / half)
        return {
            "COSIGN_KEY": {"type": "variable", "values": {"signing": str(self.folder / "key.key")}},
            "COSIGN_PUBLIC_KEY": str(self.folder / "key.pub"),
        }

    def machine(self, name: str) -> tuple[str, int]:
        log = self.start(name, "nix", "run", f".#{name}")
        login = wait(f"{name}'s launcher", lambda: re.search(rb"ssh -i (\S+) -p (\d+)", log.read_bytes()))
        return login.group(1).decode(), int(login.group(2))

    def end(self) -> None:
        if self.registry:
            self.registry.stop()
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=30)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


def execute(run: Run, jobs: list[str]) -> None:
    identities = {}
    for host, name in HOSTS.items():
        if not any(job.endswith(f" {host}") for job in jobs):
            continue
        identities[host], port = run.machine(name)
        # The login works when the machine is up.
        wait(f"{name}'s SSH", lambda: logs_in(identities[host], port))
        print(f"{name} is up", flush=True)
    run.registry = Registry(run.folder)
    repository = f"{run.registry.name}/wordtally"

    variables = run.cache() | {
        "DEPLOY_IDENTITY": {"type": "variable", "values": identities},
        "IMAGE_REPOSITORY": repository,
        "INSECURE_REGISTRY": "1",
    }
    if "attest" in jobs:
        variables |= run.key()
    # JSON is YAML.
    (run.folder / "variables.yml").write_text(json.dumps(variables))
    command = [str(RUNNER), "--force-shell-executor", "--no-shell-isolation", "--concurrency", "1", "--timestamps"]
    command += ["--variables-file", os.path.relpath(run.folder / "variables.yml", run.clone)]
    command += ["--variable", "CI_PIPELINE_SOURCE=push", "--variable", "CI_DEFAULT_BRANCH=main", *jobs]
    subprocess.run(command, cwd=run.clone, stdin=subprocess.DEVNULL, check=True)

    if "build" in jobs:
        print(f"the cache has {run.signed()} paths, each signed")
    if "attest" in jobs:
        verify(run, repository)


def verify(run: Run, repository: str) -> None:
    """That the image is this commit's and signed, as who runs it would ask."""
    release = json.loads((run.clone / "attested/release.json").read_text())
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=run.clone, capture_output=True, text=True, check=True)
    image = f"{repository}@{release['image']}"
    arguments = ["--commit", commit.stdout.strip(), "--key", str(run.folder / "key.pub"), "--insecure", image]
    print(run.nix("run", ".#verify-image", "--", *arguments), end="")
    print(f"one program: {release['package']}; one image: {image}")


def logs_in(key: str, port: int) -> bool:
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10"]
    command = ["ssh", "-i", key, "-p", str(port), *options, "-o", "BatchMode=yes", "root@127.0.0.1"]
    command += ["systemctl", "is-active", "multi-user.target"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).stdout.strip() == b"active"


def main() -> None:
    for programs in (["nix"], ["docker-registry", "registry"], ["rsync"]):
        if not any(map(shutil.which, programs)):
            not_run(f"there is no {programs[0]}")
    # Its path is in sockets' names, which are short.
    with tempfile.TemporaryDirectory(prefix="pipeline-", ignore_cleanup_errors=True) as folder:
        run = Run(Path(folder))
        begun = time.monotonic()
        try:
            execute(run, sys.argv[1:] or PROMOTION)
        finally:
            run.end()
        print(f"the pipeline was executed in {time.monotonic() - begun:.0f} s")


main()
