#!/usr/bin/env python3
"""Actually executes the pipeline of the default branch, without GitLab.

execute.py [JOB…]   without names: all jobs from a build to mock production

It clones the last commit, starts a registry on the loopback, creates the keys of a new project, and lets gitlab-ci-local
run the jobs, each in its own checkout. The jobs start the virtual machines to which they deploy. Needs Nix,
docker-registry, rsync, and this folder's npm packages.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "release/tests"))
from registry import Registry  # noqa: E402

RUNNER = HERE / "node_modules/.bin/gitlab-ci-local"
PROMOTION = ["build", "publish", "attest", "rehearse dev", "rehearse mock-prod"]


def not_run(why: str) -> NoReturn:
    print(f"NOT RUN: the pipeline's execution: {why}")
    sys.exit(0)


class Run:
    """The processes of one execution, which end with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clone = folder / "wordtally"
        self.registry: Registry | None = None
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        self.git("checkout", "--quiet", "-B", "main")
        self.lock()

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.clone, check=True)

    def lock(self) -> None:
        """Commits the inputs that this machine's Nix uses: if they differ from flake.lock, a release would have no
        commit."""
        locks = json.loads(self.nix("flake", "metadata", "--json"))["locks"]
        file = self.clone / "flake.lock"
        if locks != json.loads(file.read_text()):
            file.write_text(json.dumps(locks, indent=2))
            self.commit("lock")

    def commit(self, message: str) -> None:
        who = ["-c", "user.name=execute", "-c", "user.email="]
        self.git(*who, "commit", "--quiet", "--all", f"--message={message}")

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
        """A binary cache with its signing key, as in GitLab's variables."""
        key = ["--extra-experimental-features", "nix-command", "key"]
        secret = self.nix(*key, "generate-secret", "--key-name", "pipeline-1")
        (self.folder / "cache.key").write_text(secret)
        return {
            "NIX_CACHE": f"file://{self.folder}/cache?compression=zstd",
            "NIX_CACHE_KEY_FILE": str(self.folder / "cache.key"),
            "NIX_CACHE_PUBLIC_KEY": self.nix(*key, "convert-secret-to-public", given=secret),
        }

    def signed(self) -> int:
        """The number of paths in the cache, each of which must have our signature."""
        paths = [path.read_text() for path in self.folder.glob("cache/*.narinfo")]
        unsigned = [text for text in paths if "\nSig: pipeline-1:" not in text]
        if unsigned or not paths:
            sys.exit(f"of {len(paths)} paths in the cache {len(unsigned)} are not signed")
        return len(paths)

    def keys(self) -> dict[str, object]:
        """The first step of a new project: creates its keys and commits their public halves."""
        folder = self.folder / "keys"
        self.nix("run", ".#deploy", "--", "keys", str(folder))
        self.git("add", "release/cosign.pub")
        self.commit("keys")
        signing = {"COSIGN_KEY": "cosign.key", "COSIGN_PASSWORD_FILE": "cosign-password"}
        return {name: {"type": "variable", "values": {"signing": str(folder / file)}} for name, file in signing.items()}

    def end(self) -> None:
        if self.registry:
            self.registry.stop()


def execute(run: Run, jobs: list[str]) -> None:
    run.registry = Registry(run.folder)
    repository = f"{run.registry.name}/wordtally"

    variables = run.cache() | run.keys() | {"IMAGE_REPOSITORY": repository, "INSECURE_REGISTRY": "1"}
    # JSON is YAML.
    (run.folder / "variables.yml").write_text(json.dumps(variables))
    command = [str(RUNNER), "--force-shell-executor", "--shell-isolation", "--concurrency", "1", "--timestamps"]
    command += ["--variables-file", os.path.relpath(run.folder / "variables.yml", run.clone)]
    command += ["--variable", "CI_PIPELINE_SOURCE=push", "--variable", "CI_DEFAULT_BRANCH=main", *jobs]
    subprocess.run(command, cwd=run.clone, stdin=subprocess.DEVNULL, check=True)

    if "build" in jobs:
        print(f"the cache has {run.signed()} paths, each signed")
    if "attest" in jobs:
        verify(run, repository)


def verify(run: Run, repository: str) -> None:
    """Checks that the image is signed and of this commit, as its users would."""
    release = json.loads((run.clone / "attested/release.json").read_text())
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=run.clone, capture_output=True, text=True, check=True)
    image = f"{repository}@{release['image']}"
    arguments = ["--commit", commit.stdout.strip(), "--key", "release/cosign.pub", "--insecure", image]
    print(run.nix("run", ".#deploy", "--", "verify-image", *arguments), end="")
    print(f"one program: {release['package']}; one image: {image}")


def main() -> None:
    for programs in (["nix"], ["docker-registry", "registry"], ["rsync"]):
        if not any(map(shutil.which, programs)):
            not_run(f"there is no {programs[0]}")
    # Its path is part of socket names, whose length is limited.
    with tempfile.TemporaryDirectory(prefix="pipeline-", ignore_cleanup_errors=True) as folder:
        run = Run(Path(folder))
        begun = time.monotonic()
        try:
            execute(run, sys.argv[1:] or PROMOTION)
        finally:
            run.end()
        print(f"the pipeline was executed in {time.monotonic() - begun:.0f} s")


main()
