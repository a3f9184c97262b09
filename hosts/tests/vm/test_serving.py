"""The responses that clients get, and the ones that they do not get."""

import json
from typing import Any

from client import answers, ask, connect, pages
from given import TABLE, WORDS
from load import Load
from machine import Machine, wait
from table import counts, table_of
from words import INDEX, INTERNAL, all_ready, ready, started


def test_every_word_answers_with_the_tables_counts(machine: Machine) -> None:
    for name, word in WORDS.items():
        status, text = ask(f"/{name}/")
        assert status == 200, (name, status, text)
        assert table_of(text) == counts(TABLE, word), name
    status, index = ask("/", "text/html")
    assert status == 200 and all(f'href="/{name}/"' in index for name in WORDS), index


def listed() -> dict[str, Any]:
    """The index's entry for each word, by its page."""
    status, text = ask("/", "application/json")
    assert status == 200, text
    return {one["url"]: one for one in json.loads(text)["words"]}


def test_the_index_has_each_words_total_and_says_which_is_away(machine: Machine) -> None:
    all_ready(machine)
    victim, *others = (f"/{name}/" for name in WORDS)
    for name, word in WORDS.items():
        total = sum(counts(TABLE, word).values())
        wait(f"the total of {name}", lambda: listed()[f"/{name}/"].get("total_words") == total)
    assert list(listed()) == [victim, *others]
    unit = f"wordtally-{victim.strip('/')}.service"
    before = machine.run(f"systemctl show -p MainPID --value {INDEX}")
    try:
        machine.run(f"systemctl stop {unit}; systemctl stop {unit.replace('service', 'socket')}")
        wait("it to be missed", lambda: listed()[victim]["state"] == "unavailable")
        assert {listed()[url]["state"] for url in others} == {"counted"}
    finally:
        machine.run(f"systemctl start {unit.replace('service', 'socket')} {unit}")
    wait("it to be back", lambda: listed()[victim]["state"] == "counted")
    assert machine.run(f"systemctl show -p MainPID --value {INDEX}") == before
    # Without it, nginx serves the list from its own files.
    try:
        machine.run(f"systemctl stop {INDEX} {INDEX.replace('service', 'socket')}")
        assert {one["state"] for one in listed().values()} == {"unavailable"}
    finally:
        machine.run(f"systemctl start {INDEX.replace('service', 'socket')} {INDEX}")
    wait("the index to be back", lambda: listed()[victim]["state"] == "counted")


def test_what_is_internal_is_not_at_the_reverse_proxy(machine: Machine) -> None:
    for name in WORDS:
        for path in ("metrics", "readyz"):
            assert ask(f"/{name}/{path}")[0] == 404, (name, path)
        assert ready(machine, name) == "ready\n"
        assert "wordtally_build_info" in machine.run(f"{INTERNAL}/{name}/metrics")
    for port in (9180, 9050, 9090):
        listens = [line.split()[3] for line in machine.run(f"ss -Hltn 'sport = :{port}'").splitlines()]
        assert listens == [f"127.0.0.1:{port}"], listens


def test_a_killed_instance_leaves_the_others_serving(machine: Machine) -> None:
    victim, *others = WORDS
    expected = {f"/{name}/": ask(f"/{name}/")[1] for name in others}
    before = started(machine)[0]
    with Load(connect, expected, threads=4) as load:
        wait("the load to begin", lambda: load.reached(20))
        machine.run(f"systemctl kill -s KILL wordtally-{victim}.service")
        wait("the restart", lambda: started(machine)[0] not in ("0", before))
        wait("the killed word", lambda: answers(f"/{victim}/"))
    assert not load.failures, load.failures[:5]


def test_a_page_that_is_asked_for_often_is_kept_on_a_tmpfs(machine: Machine) -> None:
    kept = "/run/nginx/wordtally"
    with Load(connect, pages()) as load:
        wait("the load to begin", lambda: load.reached(100))
        kind, *files = machine.run(f"stat -f -c %T {kept}; ls {kept}").split()
    # One file for each word and second, over a minute.
    assert kind == "tmpfs" and 0 < len(files) < 100 * len(WORDS), (kind, len(files))
    assert not load.failures, load.failures[:5]
