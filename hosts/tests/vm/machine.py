"""A virtual machine: it boots, runs commands over SSH, and stops."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Self, TypeVar

import pytest

T = TypeVar("T")
PATIENCE = 600  # seconds; an emulated machine is slow
RESTART = 60  # seconds that sshd may be away
UNREACHED = "kex_exchange_identification|Connection refused"


class Machine:
    """The launcher's machine, from its start to its end. Its output is kept in `log`."""

    def __init__(self, launcher: str, ssh_port: int, release_key: str = "") -> None:
        self.port = ssh_port
        self.log = tempfile.NamedTemporaryFile(prefix="vm-test-", suffix=".log", delete=False)
        print(f"# the machine's console: {self.log.name}", flush=True)
        self.process = subprocess.Popen(
            [launcher],
            env=os.environ | {"WORDTALLY_RELEASE_KEY": release_key},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The whole process group: the launcher, and QEMU below it.
        try:
            os.killpg(self.process.pid, 15)
        except ProcessLookupError:
            pass
        self.process.wait(timeout=60)

    def console(self) -> str:
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def identity(self) -> str:
        """The login key of this run, whose path the launcher prints."""

        def printed() -> re.Match[str] | None:
            self.must_run()
            return re.search(r"ssh -i (\S+)", self.console())

        return wait("the launcher", printed).group(1)

    def must_run(self) -> None:
        """Ends the tests if the machine has stopped, because none of them can run."""
        if self.process.poll() is not None:
            pytest.exit(f"the machine stopped at once:\n{self.console()[-3000:]}", returncode=1)

    def ssh(self, *options: str, user: str = "root", identity: str | None = None) -> list[str]:
        """The command that logs in."""
        return (
            ["ssh", "-i", identity or self.identity(), "-p", str(self.port), "-o", "StrictHostKeyChecking=no"]
            + ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"]
            + ["-o", "ConnectTimeout=20", "-o", "IdentitiesOnly=yes", *options, f"{user}@127.0.0.1"]
        )

    def start(self, command: str) -> "subprocess.Popen[str]":
        """Starts a command in the machine."""
        return subprocess.Popen(
            [*self.ssh(), command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str, check: bool = True, timeout: float = PATIENCE) -> str:
        """Runs a command in the machine and returns its output."""
        end = time.monotonic() + RESTART
        while True:
            done = subprocess.run(
                [*self.ssh(), command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                # A journal may contain any bytes.
                errors="replace",
                timeout=timeout,
            )
            # An activation restarts sshd. These connections ended before the command began.
            if not check or done.returncode != 255 or not re.search(UNREACHED, done.stderr) or time.monotonic() > end:
                break
            time.sleep(1)
        if check and done.returncode != 0:
            raise AssertionError(f"{command!r} gave {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def boot(self) -> None:
        """Waits until a command can be run."""

        def answers() -> bool:
            self.must_run()
            try:
                return self.run("true", check=False) == "" and self.run("echo up", check=False) == "up\n"
            except subprocess.TimeoutExpired:
                return False

        wait("the machine's SSH", answers)


def wait(what: str, answer: Callable[[], T | None], patience: float = PATIENCE, pause: float = 1) -> T:
    """Returns the first true result; raises an error after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        got = answer()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s for {what}")
        time.sleep(pause)
