"""Restarts, releases and keys, changed on the machine itself under load."""

from load import Load
from machine import wait
from visitor import ask, connect, pages
from words import UNITS, all_ready, ready, started, version

ENOUGH = 10_000  # requests under each load


def switch(machine, name):
    """Activates the release `name`, or the one that was booted."""
    folder = "/run/booted-system" + (f"/specialisation/{name}" if name else "")
    machine.run(f"{folder}/bin/switch-to-configuration test 2>&1")


def under_load(machine, change):
    """Runs `change`, again and again if it ends early, until enough requests were answered; says how many failed."""
    changes = 0
    with Load(connect, pages()) as load:
        wait("the load to begin", lambda: load.reached(100))
        while changes == 0 or not load.reached(ENOUGH):
            change()
            changes += 1
    print(f"# {load.good} good, {len(load.failures)} failed, over {changes} rounds")
    assert not load.failures, load.failures[:10]
    assert load.good >= ENOUGH


def no_request_is_lost_through_restarts(machine):
    before = started(machine)

    def restart():
        machine.run(f"systemctl restart {' '.join(UNITS)}")

    under_load(machine, restart)
    assert all(old != new for old, new in zip(before, started(machine)))


def no_request_is_lost_through_a_new_release_and_back(machine):
    old = version(machine)

    def there_and_back():
        switch(machine, "next")
        assert version(machine) != old, "the new release does not run"
        switch(machine, None)
        assert version(machine) == old, "the old release does not run"

    under_load(machine, there_and_back)


def a_rotated_key_loses_no_request_and_the_old_one_is_refused(machine):
    before = started(machine)
    proxy = machine.run("systemctl show -p ExecMainStartTimestampMonotonic --value nginx.service")

    def there_and_back():
        switch(machine, "rotated")
        all_ready(machine)
        switch(machine, None)
        all_ready(machine)

    under_load(machine, there_and_back)
    assert all(old != new for old, new in zip(before, started(machine))), "who uses the key was not restarted"
    assert proxy == machine.run("systemctl show -p ExecMainStartTimestampMonotonic --value nginx.service")


def a_wrong_credential_is_not_ready_with_a_clear_reason(machine):
    try:
        # The stand-in knows the new key only; the instance still has the old one.
        switch(machine, "refused")
        assert ready(machine) == "ready\n", "a token that was given stays good"
        machine.run("systemctl restart wordtally-the.service")
        said = wait("the refusal", lambda: ready(machine) if "not ready" in ready(machine) else None)
        assert said == "not ready: the credential is missing or was refused\n", said
        assert ask("/the/")[0] == 503
        assert ask("/love/")[0] == 200, "another instance has its answer still"
        journal = machine.run("journalctl -b -u wordtally-the.service --no-pager -o cat | tail -20")
        assert "invalid_grant" in journal, journal
    finally:
        switch(machine, None)
    wait("the recovery alone", lambda: ready(machine) == "ready\n")


BEHAVIOURS = [
    no_request_is_lost_through_restarts,
    no_request_is_lost_through_a_new_release_and_back,
    a_rotated_key_loses_no_request_and_the_old_one_is_refused,
    a_wrong_credential_is_not_ready_with_a_clear_reason,
]
