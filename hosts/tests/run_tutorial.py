#!/usr/bin/env python3
"""Runs every command of docs/tutorial/deploy-a-word.md as a reader does, in one shell, and compares what they print.

run_tutorial.py [STEP]   without a number: the whole page; else up to the end of the step with this number

It clones the last commit, so that nothing uncommitted is tried. Needs Nix, git, curl, jq, and the ports of mock production. It
boots one machine, builds five releases and makes six deployments.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/tutorial/deploy-a-word.md"
CLONED = "https://gitlab.com/wordtally/wordtally.git"
MARK = "\x1e"  # no program prints it
LIMIT = 3600  # seconds for one command: a release is compiled, or a machine emulated


@dataclass
class Step:
    line: int
    heading: int
    kind: str
    command: str
    expected: str = ""


def steps(text: str) -> Iterator[Step]:
    """The commands and the changes of the page, in their order."""
    kind, heading, step = "", 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"## (\d+)\. ", line):
            heading = int(found[1])
        if line.startswith("```"):
            if step:
                yield step
            kind, step = ("" if kind else line[3:]), None
            if kind == "diff":
                step = Step(number, heading, kind, "")
        elif kind == "diff" and step:
            step.command += f"{line}\n"
        elif kind.startswith("console"):
            if line.startswith("$ "):
                if step:
                    yield step
                step = Step(number, heading, kind, line[2:])
            elif line.startswith("> ") and step:
                step.command += f"\n{line[2:]}"
            elif step:
                step.expected += f"{line}\n"


def matches(expected: str, printed: str) -> bool:
    """Whether it was printed, with `…` for any text, and no trailing white space."""
    pattern = ".*".join(map(re.escape, expected.strip().split("…")))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


class Shell:
    """One bash for the whole page, which reads its commands from a pipe of its own: a command's input is empty."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.console = folder / "console"
        read, self.commands = os.pipe()
        git = {f"url.{source}.insteadOf": CLONED, "user.name": "run_tutorial", "user.email": ""}
        variables = {"GIT_CONFIG_COUNT": str(len(git))}
        for number, (key, value) in enumerate(git.items()):
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        self.process = subprocess.Popen(
            ["bash", f"/dev/fd/{read}"],
            cwd=folder,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=[read],
            start_new_session=True,
        )
        os.close(read)

    def run(self, command: str) -> tuple[int, str]:
        """How it ended, and what it printed to standard output."""
        os.write(self.commands, f"{command}\nprintf '\\036%d\\n' $?\n".encode())
        assert self.process.stdout
        printed, end = b"", time.monotonic() + LIMIT
        while not (found := re.search(rf"{MARK}(\d+)\n".encode(), printed)):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not more:
                return 1, f"{printed.decode()}\n(no end within {LIMIT} s, or the shell ended)"
            printed += more
        return int(found[1]), printed[: found.start()].decode()

    def start(self, command: str, expected: str) -> tuple[int, str]:
        """Begins a command that has a terminal of its own, and waits for what it says."""
        self.run(f"{command} >'{self.console}' 2>&1 &")
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            printed = self.console.read_text(errors="replace") if self.console.exists() else ""
            if matches(f"{expected.strip()}…", printed):
                return 0, expected
            if self.run("kill -0 $!")[0] != 0:
                return 1, printed
            time.sleep(1)
        return 1, printed

    def end(self) -> None:
        os.close(self.commands)
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            for _ in range(60):
                os.killpg(self.process.pid, 0)
                self.process.poll()
                time.sleep(1)
        except ProcessLookupError:
            pass


def source(folder: Path) -> Path:
    """The last commit as the page's clone finds it, with the inputs that this machine's Nix takes: where those are not what
    flake.lock says, a release would be of no commit."""
    clone = folder / "source"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    subprocess.run(["git", "checkout", "--quiet", "-B", "main"], cwd=clone, check=True)
    done = subprocess.run(
        ["nix", "flake", "metadata", "--json"], cwd=clone, stdout=subprocess.PIPE, text=True, check=True
    )
    locks = json.loads(done.stdout)["locks"]
    file = clone / "flake.lock"
    if locks != json.loads(file.read_text()):
        file.write_text(json.dumps(locks, indent=2))
        who = ["-c", "user.name=run_tutorial", "-c", "user.email="]
        subprocess.run(["git", *who, "commit", "--quiet", "--all", "--message=lock"], cwd=clone, check=True)
    return clone


def main() -> None:
    # So that the machine ends, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    last = int(sys.argv[1]) if sys.argv[1:] else 1000
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tutorial-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shell = Shell(folder, source(folder))
        try:
            for step in steps(PAGE.read_text()):
                if step.heading > last:
                    break
                print(f"{time.monotonic() - begun:5.0f} s  {step.heading}. {step.command.splitlines()[0]}", flush=True)
                if step.kind == "diff":
                    change = folder / "change.diff"
                    change.write_text(step.command)
                    code, printed = shell.run(f"git apply '{change}'")
                elif step.kind == "console elsewhere background":
                    code, printed = shell.start(step.command, step.expected)
                else:
                    code, printed = shell.run(step.command)
                if step.kind == "diff":
                    step.expected = ""
                if code != 0 or not matches(step.expected, printed):
                    sys.exit(f"{PAGE}:{step.line}: `{step.command}` ends with {code} and prints\n{printed}")
        finally:
            shell.end()
    print(f"the tutorial was run in {time.monotonic() - begun:.0f} s")


main()
