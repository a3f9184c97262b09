"""Mock production, booted once for all tests. `nix run .#vm-test` names the files, in their order."""

import os
import time
from collections.abc import Iterator

import pytest
from client import answers
from deployer import Deployer, Key
from given import SSH_PORT, WORDS
from machine import Machine, wait


@pytest.fixture(scope="session")
def key() -> Key:
    """Signs the releases that the machine accepts. It is created before the machine starts."""
    return Key("release")


@pytest.fixture(scope="session")
def machine(request: pytest.FixtureRequest, key: Key) -> Iterator[Machine]:
    """The machine, with all words ready. A file that needs another machine gives its variable as the parameter."""
    launcher = os.environ[getattr(request, "param", "VM_TEST_MACHINE")]
    begun = time.monotonic()
    with Machine(launcher, SSH_PORT, release_key=key.public) as machine:
        machine.boot()
        for name in WORDS:
            wait(f"/{name}/", lambda: answers(f"/{name}/"))
        print(f"# {len(WORDS)} words respond {time.monotonic() - begun:.0f} s after the start", flush=True)
        yield machine


@pytest.fixture(scope="session")
def deployer(machine: Machine, key: Key) -> Deployer:
    return Deployer(machine, key)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Prints a failure when it happens, because a whole run takes an hour."""
    if report.failed:
        print(f"\n{report.longreprtext}", flush=True)
