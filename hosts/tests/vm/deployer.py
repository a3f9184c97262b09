"""Whoever deploys: signs releases, and runs the deploy command."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from given import LOCK, RELEASES
from machine import Machine

SYSTEMS = "readlink -f /run/current-system; readlink -e /nix/var/nix/profiles/system || true"


class Deployer:
    """Has a signing key of this run, and the machine's login key."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = tempfile.mkdtemp(prefix="vm-test-releases-")
        self.key = os.path.join(self.folder, "cosign")
        # As a GitLab runner writes a file variable, open to all.
        self.identity = shutil.copyfile(machine.identity(), os.path.join(self.folder, "identity"))
        os.chmod(self.identity, 0o666)
        # A key without a password, and a commit to vouch for: what is signed here goes nowhere else.
        self._run("cosign", "generate-key-pair", "--output-key-prefix", self.key, COSIGN_PASSWORD="")
        self._run("git", "init", "--quiet", self.folder)
        shutil.copyfile(LOCK, os.path.join(self.folder, "flake.lock"))
        self._run("git", "add", "flake.lock")
        self._run("git", "-c", "user.name=vm-test", "-c", "user.email=", "commit", "--quiet", "-m", "test")
        self.commit = self._run("git", "rev-parse", "HEAD").strip()

    def _run(self, *command: str, **environment: str) -> str:
        return subprocess.run(
            command,
            env=os.environ | environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    def attested(self, name: str) -> str:
        """The release, signed; made at its first use."""
        folder = os.path.join(self.folder, name)
        if not os.path.exists(folder):
            self._run("attest", self._committed(name), folder, COSIGN_KEY=f"{self.key}.key")
        return folder

    def _committed(self, name: str) -> str:
        """The files of the release that are signed, as if it had been built from the commit here."""
        release = os.path.join(RELEASES, name)
        folder = os.path.join(self.folder, f"{name}-built")
        os.mkdir(folder)
        shutil.copyfile(os.path.join(release, "sbom.cdx.json"), os.path.join(folder, "sbom.cdx.json"))
        with open(os.path.join(release, "release.json"), encoding="utf-8") as file:
            content = json.load(file)
        with open(os.path.join(folder, "release.json"), "w", encoding="utf-8") as file:
            json.dump(content | {"revision": self.commit}, file)
        return folder

    def start(self, name: str, *options: str, folder: str | None = None) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["deploy", "mock-prod", "--attested", folder or self.attested(name), "--key", f"{self.key}.pub"]
            + ["--identity", self.identity, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def deploy(self, name: str, *options: str, folder: str | None = None, timeout: float = 900) -> tuple[int, str]:
        """How it ended and what it said."""
        process = self.start(name, *options, folder=folder)
        try:
            said = process.communicate(timeout=timeout)[0]
        finally:
            process.kill()
        print("".join(f"#   {line}\n" for line in said.splitlines()), end="", flush=True)
        return process.returncode, said

    def systems(self) -> list[str]:
        """What the machine runs, and what it would after a restart."""
        return self.machine.run(SYSTEMS).split()

    def under_way(self) -> bool:
        state = self.machine.run("systemctl show --property ActiveState --value deploy-wordtally")
        return state.strip() not in ("inactive", "failed")


def until(process: "subprocess.Popen[str]", text: str) -> str:
    """What a deployment says up to a line with this text."""
    said = ""
    assert process.stdout
    for line in process.stdout:
        print(f"#   {line}", end="", flush=True)
        said += line
        if re.search(text, line):
            return said
    raise AssertionError(f"it ended without {text!r}: {said}")


def kill(process: "subprocess.Popen[str]") -> None:
    """As a lost runner ends: it can say nothing more to the machine."""
    process.send_signal(signal.SIGKILL)
    process.wait()
