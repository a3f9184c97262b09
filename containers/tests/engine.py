"""This machine's Podman with the tests' own storage, and the settings that it needs on a restricted machine."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
# In the folder of .ci/run's other caches; the base images stay there.
STORAGE = (ROOT / ".cache/ci/containers").resolve()
CARGO_HOME = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
# The folder of this environment's programs.
PROGRAMS = Path(sys.executable).parent
TIMEOUT = 1800
# The test of the Nix image accepts this as a constant.
TIMESTAMP, CREATED = 1, "1970-01-01T00:00:01Z"

# crun refuses a machine that has both versions of cgroups mounted: the first, which has the memory limit, stays.
HOLD = "! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified; exec cat"


def run(*command: str | Path, **variables: str) -> str:
    ran = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
    )
    if ran.returncode:
        raise AssertionError(f"{command} ended with {ran.returncode}:\n{ran.stdout[-4000:]}")
    return ran.stdout.strip()


class Engine:
    """`podman`, and a `docker` that runs it, like Debian's podman-docker, with podman-compose for `compose`."""

    def __init__(self) -> None:
        self.folder = STORAGE / "programs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.podman = self.folder / "podman"
        self.docker = self.folder / "docker"

    def __enter__(self) -> Self:
        # It ends when this process ends for any reason.
        unshare = ["unshare", "--mount", "--propagation=private", "sh", "-c", HOLD]
        self.holder = subprocess.Popen(unshare, stdin=subprocess.PIPE)
        conf = self.folder / "containers.conf"
        # Not every root user may raise the limit that Podman would set.
        files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1048576)
        conf.write_text(
            "[containers]\n"
            f'default_ulimits = ["nofile={files}:{files}", "nproc=8192:8192"]\n'
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{self.folder}/networks"\n'
        )
        enter = f'nsenter --mount=/proc/{self.holder.pid}/ns/mnt --wdns="$PWD" --'
        storage = f"--root {STORAGE}/storage --runroot {STORAGE}/run"
        self.script(self.podman, f'CONTAINERS_CONF={conf} exec {enter} /usr/bin/podman {storage} "$@"')
        build = " ".join(self.build_arguments)
        self.script(
            self.docker,
            f'[ "$1" = compose ] || exec {self.podman} "$@"\nshift\n'
            f"exec {PROGRAMS}/podman-compose --podman-path={self.podman} --podman-build-args='{build}' \"$@\"",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.holder.communicate()

    @property
    def build_arguments(self) -> list[str]:
        """The crates that this machine has fetched, and no network."""
        registry = f"--volume={CARGO_HOME}/registry:/usr/local/cargo/registry:O"
        return ["--network=none", "--format=docker", f"--timestamp={TIMESTAMP}", registry]

    @staticmethod
    def script(path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def __call__(self, *arguments: str | Path) -> str:
        return run(self.podman, *arguments)

    def compose(self, *arguments: str, **variables: str) -> str:
        return run(self.docker, "compose", *arguments, **variables)

    def build(self, tag: str, *arguments: str) -> None:
        self("build", *self.build_arguments, "--tag", tag, *arguments, ".")

    def extract(self, image: str, path: str, to: Path) -> Path:
        container = self("create", image, "none").splitlines()[-1]
        self("cp", f"{container}:{path}", to)
        self("rm", container)
        return to
