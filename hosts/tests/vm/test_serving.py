"""What clients get, and what they do not."""

from client import answers, ask, connect, pages
from given import TABLE, WORDS
from load import Load
from machine import Machine, wait
from table import counts, table_of
from words import INTERNAL, ready, started


def test_every_word_answers_with_the_tables_counts(machine: Machine) -> None:
    for name, word in WORDS.items():
        status, text = ask(f"/{name}/")
        assert status == 200, (name, status, text)
        assert table_of(text) == counts(TABLE, word), name
    status, index = ask("/", "text/html")
    assert status == 200 and all(f'href="/{name}/"' in index for name in WORDS), index


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
    # One for each word and second, a minute long.
    assert kind == "tmpfs" and 0 < len(files) < 100 * len(WORDS), (kind, len(files))
    assert not load.failures, load.failures[:5]
