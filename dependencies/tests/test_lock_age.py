"""Tests dependencies/lock-age in repositories whose commits and inputs have known dates."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Protocol

import pytest

LOCK_AGE = Path(__file__).resolve().parents[2] / "dependencies/lock-age"
DAY = 86400
NOW = 1_800_000_000
INPUTS = {"nixpkgs": 10, "crane": 100, "agenix": 300}
LOCKS = {"flake.lock": 10, "Cargo.lock": 20, "tests/node/package-lock.json": 30}
ENOUGH = """\
flake.lock's nixpkgs: 10 of 45 days
flake.lock's crane: 100 of 365 days
flake.lock's agenix: 300 of 365 days
Cargo.lock: 20 of 45 days
flake.lock: 10 of 45 days
tests/node/package-lock.json: 30 of 45 days
"""


Ran = subprocess.CompletedProcess[str]


class Make(Protocol):
    """Makes a repository whose inputs and lock files have the given ages in days."""

    def __call__(self, inputs: dict[str, int] = INPUTS, locks: dict[str, int] = LOCKS) -> Path: ...


def git(folder: Path, *arguments: str, days: int = 0) -> None:
    at = f"{NOW - days * DAY} +0000"
    names = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    subprocess.run(
        ["git", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=20,
        env=os.environ | names | {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": "/dev/null"},
    )


@pytest.fixture
def repository(tmp_path: Path) -> Make:
    def make(inputs: dict[str, int] = INPUTS, locks: dict[str, int] = LOCKS) -> Path:
        folder = tmp_path / "repository"
        folder.mkdir()
        git(folder, "init")
        # An input of an input is not checked.
        nodes: dict[str, Any] = {
            name: {"locked": {"lastModified": NOW - days * DAY}} for name, days in (inputs | {"systems": 2000}).items()
        }
        nodes["root"] = {"inputs": {name: name for name in inputs}}
        for file, days in sorted(locks.items(), key=lambda lock: -lock[1]):
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"nodes": nodes, "root": "root"}))
            git(folder, "add", file)
            git(folder, "commit", "-m", file, days=days)
        return folder

    return make


def lock_age(folder: Path, *arguments: str) -> Ran:
    return subprocess.run(
        [LOCK_AGE, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


def test_what_is_new_enough_passes(repository: Make) -> None:
    ran = lock_age(repository(), "--now", str(NOW))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, ENOUGH, "")


def test_a_day_too_old_is_too_old(repository: Make) -> None:
    folder = repository(INPUTS | {"nixpkgs": 45}, LOCKS)
    assert lock_age(folder, "--now", str(NOW)).returncode == 0
    ran = lock_age(folder, "--now", str(NOW + DAY))
    assert ran.returncode == 1
    assert (
        ran.stderr
        == "lock-age: flake.lock's nixpkgs is 46 days old, but at most 45 days are allowed: run 'nix flake update nixpkgs', or check whether it is still maintained\n"
    )


def test_each_that_is_too_old_has_its_sentence(repository: Make) -> None:
    ran = lock_age(
        repository(
            {"nixpkgs": 46, "crane": 366, "agenix": 365},
            {"flake.lock": 46, "Cargo.lock": 47, "tests/node/package-lock.json": 48},
        ),
        "--now",
        str(NOW),
    )
    assert ran.returncode == 1
    assert [line.split(": ")[1] for line in ran.stderr.splitlines()] == [
        "flake.lock's nixpkgs is 46 days old, but at most 45 days are allowed",
        "flake.lock's crane is 366 days old, but at most 365 days are allowed",
        "Cargo.lock is 47 days old, but at most 45 days are allowed",
        "flake.lock is 46 days old, but at most 45 days are allowed",
        "tests/node/package-lock.json is 48 days old, but at most 45 days are allowed",
    ]


def test_the_limits_may_be_given(repository: Make) -> None:
    ran = lock_age(repository(), "--now", str(NOW), "--days", "25", "--rare-days", "99")
    assert [line.split(" is ")[0] for line in ran.stderr.splitlines()] == [
        "lock-age: flake.lock's crane",
        "lock-age: flake.lock's agenix",
        "lock-age: tests/node/package-lock.json",
    ]


def test_a_shallow_clone_is_refused(repository: Make, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--depth=1", f"file://{repository()}", "shallow")
    ran = lock_age(tmp_path / "shallow", "--now", str(NOW))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        ran.stderr
        == "lock-age: this clone is shallow, so the dates of its commits are not known: run 'git fetch --unshallow' first\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--days"], "--days needs a value after it"),
        (["--days", "many"], "--days 'many' is not a whole number"),
        (["--weeks", "3"], "'--weeks' is not a flag of this command: expected --days, --rare-days or --now"),
    ],
)
def test_bad_arguments_get_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    ran = lock_age(tmp_path, *arguments)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"lock-age: {sentence}\n")


def test_here_it_finds_the_lock_files() -> None:
    ran = lock_age(LOCK_AGE.parent, "--days", "100000", "--rare-days", "100000")
    if "this clone is shallow" in ran.stderr:
        pytest.skip("NOT RUN: this clone is shallow")
    assert ran.returncode == 0, ran.stderr
    found = {line.split(":")[0] for line in ran.stdout.splitlines()}
    assert found >= {
        "flake.lock's nixpkgs",
        "flake.lock",
        "Cargo.lock",
        "standin/clients/node/package-lock.json",
        "tests/browser/package-lock.json",
    }
    assert not any(name.startswith("bench/") for name in found)
