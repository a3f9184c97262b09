#!/usr/bin/env python3
"""Boots mock production and tries it from outside, one behaviour after another.

run.py [BEHAVIOUR…]   without names: all of them. `nix run .#vm-test` gives it the machine.
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
import traceback

from deployments import Deployer, kill, until
from figures import counts, table_of
from load import Load
from machine import Machine, wait

FACTS = json.load(open(os.environ["VM_TEST_FACTS"], encoding="utf-8"))
WORDS = FACTS["words"]
TLS = ssl.create_default_context(cafile=os.environ["VM_TEST_CERTIFICATE"])
PORT = 8443
UNITS = " ".join(f"wordtally-{name}.service" for name in WORDS)
ENOUGH = 10_000  # requests under each load
INSIDE = "curl -sS -m 20 http://127.0.0.1:9180"


def connect():
    return http.client.HTTPSConnection("localhost", PORT, timeout=60, context=TLS)


def ask(path, accept="text/plain"):
    connection = connect()
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def answers(path):
    try:
        return ask(path)[0] == 200
    except OSError:
        return False


def ready(machine, name="the"):
    return machine.run(f"{INSIDE}/{name}/readyz", check=False)


def all_ready(machine):
    for name in WORDS:
        wait(f"{name} to be ready", lambda name=name: ready(machine, name) == "ready\n")


def pages():
    """Each path with its answer of now: what a load must get again and again."""
    return {f"/{name}/": ask(f"/{name}/")[1] for name in WORDS}


def started(machine):
    """When each unit's process began: it changes by a restart."""
    return machine.run(f"systemctl show -p ExecMainStartTimestampMonotonic --value {UNITS}").split()


def switch(machine, name):
    """Activates the release `name`, or the one that was booted."""
    folder = "/run/booted-system" + (f"/specialisation/{name}" if name else "")
    machine.run(f"{folder}/bin/switch-to-configuration test 2>&1")


def version(machine):
    metrics = machine.run(f"{INSIDE}/the/metrics")
    return next(line for line in metrics.splitlines() if line.startswith("wordtally_build_info"))


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


def every_word_answers_with_the_tables_figures(machine):
    for name, word in WORDS.items():
        status, text = ask(f"/{name}/")
        assert status == 200, (name, status, text)
        assert table_of(text) == counts(os.environ["VM_TEST_TABLE"], word), name
    status, index = ask("/", "text/html")
    assert status == 200 and all(f'href="/{name}/"' in index for name in WORDS), index


def what_is_for_us_stays_inside(machine):
    for name in WORDS:
        for path in ("metrics", "readyz"):
            assert ask(f"/{name}/{path}")[0] == 404, (name, path)
        assert ready(machine, name) == "ready\n"
        assert f"wordtally_build_info" in machine.run(f"{INSIDE}/{name}/metrics")
    for port in (9180, 9050, 9090):
        listens = machine.run(f"ss -Hltn 'sport = :{port}'")
        assert listens == "" or "127.0.0.1:" in listens, listens


def a_killed_instance_leaves_the_others_serving(machine):
    victim, *others = WORDS
    expected = {f"/{name}/": ask(f"/{name}/")[1] for name in others}
    before = started(machine)[0]
    with Load(connect, expected, threads=4) as load:
        wait("the load to begin", lambda: load.reached(20))
        machine.run(f"systemctl kill -s KILL wordtally-{victim}.service")
        wait("the restart", lambda: started(machine)[0] not in ("0", before))
        wait("the killed word", lambda: answers(f"/{victim}/"))
    assert not load.failures, load.failures[:5]


def every_unit_is_confined(machine):
    for unit in UNITS.split() + ["bigquery-standin.service"]:
        report = machine.run(f"systemd-analyze security --no-pager {unit} | tail -1")
        exposure = float(report.split(":")[1].split()[0])
        print(f"# {unit}: exposure {exposure}")
        assert exposure <= 0.9, report
    assert "Max open files            8192" in machine.run(
        "cat /proc/$(systemctl show -p MainPID --value wordtally-the.service)/limits"
    )


def no_request_is_lost_through_restarts(machine):
    before = started(machine)

    def restart():
        machine.run(f"systemctl restart {UNITS}")

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


def no_secret_is_in_the_journal_or_a_process(machine):
    """Neither in what was logged nor in a command line or an environment, of the machine or of this one's QEMU."""
    key = json.loads(machine.run("cat /run/agenix/bigquery.json"))["private_key"]
    secrets = [line for line in key.splitlines() if not line.startswith("-----")]
    secrets += machine.run("grep -v -- ----- /run/agenix/tls.key").split()
    identity = machine.run("cat /run/credentials/@system/age.identity")
    secrets += [line for line in identity.splitlines() if not line.startswith("-----")]
    assert len(secrets) > 20, "the key was read"

    def found(places):
        return [(place, secret[:6]) for place, text in places.items() for secret in secrets if secret in text]

    here = b""
    for process in os.listdir("/proc"):
        for kind in ("cmdline", "environ"):
            try:
                with open(f"/proc/{process}/{kind}", "rb") as file:
                    here += file.read()
            except (OSError, ValueError):
                pass
    places = {
        "the journal": machine.run("journalctl -b -o export --no-pager | tr -d '\\0'"),
        "a process": machine.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", check=False),
        "the console": machine.console(),
        "this machine's processes": here.decode(errors="replace"),
    }
    assert "wordtally" in places["a process"] and "answer refreshed" in places["the journal"], "the places were read"
    assert "age.identity" in places["this machine's processes"], "QEMU's command line was read"
    assert found({"planted": places["the journal"] + secrets[3]}), "a planted one is found"
    assert not found(places), found(places)


def deployed_under_load(machine, name, paths=None):
    """Deploys the release while visitors ask; gives how it ended, what it said, and the load."""
    deployer = machine.deployer
    deployer.attested(name)
    expected = pages()
    # Fewer visitors than for a restart: an emulated machine has to deploy beside them.
    with Load(connect, {path: expected[path] for path in paths or expected}, threads=3) as load:
        wait("the load to begin", lambda: load.reached(100))
        code, said = deployer.deploy(name)
        served = load.good
        # What a release does after its end would show here.
        wait("more requests", lambda: load.reached(served + 200))
    print(f"# {load.good} good, {len(load.failures)} failed")
    return code, said, load


def a_good_release_is_deployed_without_a_lost_request(machine):
    before = machine.deployer.systems()[0]
    old = version(machine)
    code, said, load = deployed_under_load(machine, "good")
    assert code == 0, said
    assert not load.failures, load.failures[:10]
    current, default = machine.deployer.systems()
    assert current == default != before, (current, default, before)
    assert version(machine) != old, "the new release does not run"
    assert machine.deployer.deploy("good", "--verify")[0] == 0


def the_same_release_again_changes_nothing(machine):
    before = started(machine)
    code, said = machine.deployer.deploy("good")
    assert code == 0 and "has this release already" in said, said
    assert started(machine) == before


def a_dry_run_changes_nothing(machine):
    before = started(machine), machine.deployer.systems()
    code, said = machine.deployer.deploy("booted", "--dry-run")
    assert code == 0 and "would" in said and "wordtally-the.service" in said, said
    assert (started(machine), machine.deployer.systems()) == before


def refused_before_any_visitor(machine, name, why):
    """The release never serves: what runs is not touched, and nobody notices."""
    before = started(machine), machine.deployer.systems()
    code, said, load = deployed_under_load(machine, name)
    assert code != 0 and why in said, said
    assert not load.failures, load.failures[:10]
    assert (started(machine), machine.deployer.systems()) == before
    left = machine.run("ls /run/systemd/system | grep preflight || true")
    assert left == "", left


def a_release_that_answers_wrongly_meets_no_visitor(machine):
    refused_before_any_visitor(machine, "wrong", "love: hamlet has")


def a_release_that_never_gets_ready_meets_no_visitor(machine):
    refused_before_any_visitor(machine, "unready", "romeo: not ready: the table, dataset or project does not exist")


def put_back(machine, name, paths=None):
    before = machine.deployer.systems()
    code, said, load = deployed_under_load(machine, name, paths)
    assert code != 0 and "rolled back" in said, said
    assert machine.deployer.systems() == before
    all_ready(machine)
    for path in pages():
        assert ask(path)[0] == 200, path
    return said, load


def a_release_with_a_wrong_front_door_is_put_back(machine):
    # Each word is right on its socket, and only a visitor sees that one address leads to another word.
    said, load = put_back(machine, "front-door", ["/the/", "/love/", "/romeo/"])
    assert "/tis/: hamlet has" in said, said
    assert not load.failures, load.failures[:10]


def a_release_that_breaks_the_network_is_put_back(machine):
    said, load = put_back(machine, "network")
    assert "unreachable" in said and "nobody confirmed it" in said, said
    assert load.failures, "the network was not broken"


def a_second_deployment_is_refused_while_one_is_under_way(machine):
    first = machine.deployer.start("booted")
    until(first, "preflight")
    code, said = machine.deployer.deploy("wrong")
    assert code != 0 and "another deployment is under way" in said, said
    rest = first.communicate(timeout=900)[0]
    assert first.returncode == 0, rest
    assert machine.deployer.deploy("good")[0] == 0


def a_deployment_whose_runner_dies_is_put_back(machine):
    before = machine.deployer.systems()
    process = machine.deployer.start("booted")
    until(process, "readiness")
    end = kill(process) + 300
    wait("the new system", lambda: machine.deployer.systems()[0] != before[0] or time.monotonic() > end)
    wait("the old system", lambda: machine.deployer.systems() == before, patience=300)
    all_ready(machine)


def an_altered_release_reaches_no_host(machine):
    before = started(machine), machine.deployer.systems()
    folder = machine.deployer.attested("booted") + "-altered"
    subprocess.run(["cp", "-r", machine.deployer.attested("booted"), folder], check=True)
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    with open(f"{folder}/release.json", encoding="utf-8") as file:
        text = file.read()
    with open(f"{folder}/release.json", "w", encoding="utf-8") as file:
        file.write(text.replace('"hamlet": 994', '"hamlet": 993').replace('"hamlet":994', '"hamlet":993'))
    code, said = machine.deployer.deploy("booted", folder=folder)
    assert code != 0 and "not deployed" in said and "copying" not in said, said
    os.remove(f"{folder}/provenance.sigstore.json")
    code, said = machine.deployer.deploy("booted", folder=folder)
    assert code != 0 and "not deployed" in said and "copying" not in said, said
    assert (started(machine), machine.deployer.systems()) == before


def nothing_failed(machine):
    failed = machine.run("systemctl list-units --failed --plain --no-legend -o json")
    # The Nix lab's machine cannot remount its root: its file system is not the one that the host describes.
    names = [unit["unit"] for unit in json.loads(failed) if unit["unit"] != "systemd-remount-fs.service"]
    assert not names, names


def two_hundred_words_start_on_one_host(machine):
    names = [f"word-{number}" for number in range(1, 201)]
    running = "systemctl list-units 'wordtally-word-*.service' --state=active --plain --no-legend | wc -l"
    wait("200 units", lambda: int(machine.run(running)) == 200)
    first, last = machine.run(
        "systemctl show -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic --value"
        " 'wordtally-word-*.service' | grep -v '^$' | sort -n | sed -n '1p;$p'"
    ).split()
    memory = machine.run("systemctl show -p MemoryCurrent --value 'wordtally-word-*.service' | grep -v '^$'").split()
    print(f"# 200 units ready in {(int(last) - int(first)) / 1e6:.1f} s (emulated)")
    print(f"# memory of one: {sum(map(int, memory)) / len(memory) / 2**20:.1f} MiB, of all: {sum(map(int, memory)) / 2**20:.0f} MiB")
    assert len(memory) == 200
    # Whose first refresh failed in the crowd recovers alone.
    for name in names[::40]:
        wait(f"/{name}/", lambda name=name: answers(f"/{name}/"))


BEHAVIOURS = [
    every_word_answers_with_the_tables_figures,
    what_is_for_us_stays_inside,
    every_unit_is_confined,
    a_killed_instance_leaves_the_others_serving,
    no_request_is_lost_through_restarts,
    no_request_is_lost_through_a_new_release_and_back,
    a_rotated_key_loses_no_request_and_the_old_one_is_refused,
    a_wrong_credential_is_not_ready_with_a_clear_reason,
    a_good_release_is_deployed_without_a_lost_request,
    the_same_release_again_changes_nothing,
    a_dry_run_changes_nothing,
    an_altered_release_reaches_no_host,
    a_release_that_answers_wrongly_meets_no_visitor,
    a_release_that_never_gets_ready_meets_no_visitor,
    a_release_with_a_wrong_front_door_is_put_back,
    a_second_deployment_is_refused_while_one_is_under_way,
    a_deployment_whose_runner_dies_is_put_back,
    a_release_that_breaks_the_network_is_put_back,
    no_secret_is_in_the_journal_or_a_process,
    nothing_failed,
]
CROWD = [two_hundred_words_start_on_one_host]


def attempt(behaviour, machine):
    begun = time.monotonic()
    try:
        behaviour(machine)
        word = "ok"
    except (AssertionError, OSError, subprocess.SubprocessError, ValueError, StopIteration):
        traceback.print_exc(file=sys.stdout)
        word = "FAILED"
    print(f"{behaviour.__name__} ... {word} ({time.monotonic() - begun:.0f} s)", flush=True)
    return word == "ok"


def main():
    known = {behaviour.__name__ for behaviour in BEHAVIOURS + CROWD}
    wanted = set(sys.argv[1:]) or known
    if wanted - known:
        sys.exit(f"no such behaviour: {', '.join(sorted(wanted - known))}; there are: {', '.join(sorted(known))}")
    results = []
    for variable, group in (("VM_TEST_MACHINE", BEHAVIOURS), ("VM_TEST_CROWD", CROWD)):
        chosen = [behaviour for behaviour in group if behaviour.__name__ in wanted]
        if not chosen:
            continue
        begun = time.monotonic()
        with Machine(os.environ[variable], FACTS["sshPort"]) as machine:
            machine.boot()
            machine.deployer = Deployer(machine)
            for name in WORDS:
                wait(f"/{name}/", lambda name=name: answers(f"/{name}/"))
            print(f"# {len(WORDS)} words answer {time.monotonic() - begun:.0f} s after the start", flush=True)
            results += [attempt(behaviour, machine) for behaviour in chosen]
    print(f"\nvm-test: {sum(results)} passed; {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


main()
