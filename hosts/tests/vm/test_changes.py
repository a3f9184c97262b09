"""Restarts, new releases and new keys on the machine itself, under load."""

import json
import os
import shlex
from collections.abc import Callable

from client import ask, connect, pages
from given import RELEASES
from load import Load
from machine import Machine, wait
from words import UNITS, all_ready, ready, started, version

ENOUGH = 10_000  # requests under each load


IAM = "/etc/bigquery-standin/iam-0.json"
ROTATED = os.path.join(os.path.dirname(__file__), "rotated-iam.json")


def system(name: str) -> str:
    """The path of the release `name` on the machine."""
    with open(os.path.join(RELEASES, name, "release.json"), encoding="utf-8") as file:
        return str(json.load(file)["hosts"]["mock-prod"]["system"])


def switch(machine: Machine, name: str) -> None:
    """Activates the release `name`."""
    machine.run(f"{system(name)}/bin/switch-to-configuration test 2>&1")


def under_load(machine: Machine, change: Callable[[], None]) -> None:
    """Runs `change` repeatedly until enough requests have been served; reports how many failed."""
    changes = 0
    with Load(connect, pages()) as load:
        wait("the load to begin", lambda: load.reached(100))
        while changes == 0 or not load.reached(ENOUGH):
            change()
            changes += 1
    print(f"# {load.good} good, {len(load.failures)} failed, over {changes} rounds")
    assert not load.failures, load.failures[:10]
    assert load.good >= ENOUGH
    alerts = machine.run("journalctl -b -u nginx --no-pager -o cat | grep -F '[alert]' | tail -5", check=False)
    assert alerts == "", alerts


def test_no_request_is_lost_through_restarts(machine: Machine) -> None:
    before = started(machine)

    def restart() -> None:
        machine.run(f"systemctl restart {' '.join(UNITS)}")

    under_load(machine, restart)
    assert all(old != new for old, new in zip(before, started(machine)))


def test_no_request_is_lost_through_a_new_release_and_back(machine: Machine) -> None:
    old = version(machine)

    def there_and_back() -> None:
        switch(machine, "good")
        assert version(machine) != old, "the new release does not run"
        switch(machine, "booted")
        assert version(machine) == old, "the old release does not run"

    under_load(machine, there_and_back)


def test_a_rotated_key_loses_no_request_and_the_old_one_is_refused(machine: Machine) -> None:
    before = started(machine)
    proxy = machine.run("systemctl show -p ExecMainStartTimestampMonotonic --value nginx.service")

    def there_and_back() -> None:
        switch(machine, "rotated")
        all_ready(machine)
        switch(machine, "booted")
        all_ready(machine)

    under_load(machine, there_and_back)
    assert all(old != new for old, new in zip(before, started(machine))), "who uses the key was not restarted"
    assert proxy == machine.run("systemctl show -p ExecMainStartTimestampMonotonic --value nginx.service")


def test_a_reload_takes_a_new_key_and_loses_no_request(machine: Machine) -> None:
    def process() -> str:
        return machine.run("systemctl show -p ActiveState,MainPID wordtally-the.service")

    def reload_with(release: str) -> None:
        # Decrypts the release's secrets and writes its /etc, but changes no unit.
        machine.run(f"{system(release)}/activate 2>&1")
        machine.run("systemctl reload bigquery-standin.service")
        since = machine.run("date +%s.%N").strip()
        machine.run("systemctl reload wordtally-the.service")

        def lines() -> str:
            return machine.run(f"journalctl -b -u wordtally-the.service --since @{since} --no-pager -o cat")

        wait("an answer by the new key", lambda: "answer refreshed" in lines())
        journal = lines()
        assert "reading the credential anew" in journal, journal
        assert "refresh failed" not in journal, "it asked with the old key: " + journal
        assert ready(machine) == "ready\n"

    before = process()
    assert "ActiveState=active" in before and "MainPID=0" not in before, before
    with Load(connect, {path: page for path, page in pages().items() if path == "/the/"}) as load:
        wait("the load to begin", lambda: load.reached(100))
        try:
            reload_with("rotated")
            assert process() == before
        finally:
            reload_with("booted")
    print(f"# {load.good} good, {len(load.failures)} failed")
    assert not load.failures, load.failures[:10]
    assert process() == before


def test_a_wrong_credential_is_not_ready_with_a_clear_reason(machine: Machine) -> None:
    known = machine.run(f"readlink {IAM}").strip()
    with open(ROTATED, encoding="utf-8") as file:
        other = shlex.quote(file.read())

    def reload_with(command: str) -> None:
        machine.run(f"{command} && systemctl reload bigquery-standin.service")

    try:
        # The stand-in knows only the new key, but the instance still has the old one.
        reload_with(f"rm {IAM} && printf %s {other} >{IAM}")
        assert ready(machine) == "ready\n", "a token that was given stays good"
        machine.run("systemctl restart wordtally-the.service")
        # On a busy machine, it takes a while until the instance has an answer.
        refused = "not ready: the credential is missing or was refused\n"
        wait("the refusal", lambda: ready(machine) == refused)
        assert ask("/the/")[0] == 503
        assert ask("/love/")[0] == 200, "another instance has its answer still"
        journal = machine.run("journalctl -b -u wordtally-the.service --no-pager -o cat | tail -20")
        assert "invalid_grant" in journal, journal
    finally:
        reload_with(f"ln -sfn {known} {IAM}")
    wait("the recovery alone", lambda: ready(machine) == "ready\n")
