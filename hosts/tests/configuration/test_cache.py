"""Compares the reverse proxy's cached responses with the instance's own."""

import contextlib
import http.client
import itertools
import pathlib
import random
import time
from collections.abc import Iterator

import pytest
from instance import Instance
from proxy import (
    TLS,
    WORDS_HOST,
    Answer,
    Asker,
    Fields,
    Resolved,
    asked,
    moved,
    nginx,
    trusting,
    unlimited,
)

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
ACCEPTS = [
    *(None, "", "*/*", CHROME, "text/html", "TEXT/Html", "text/html , application/json", "text/html;q=0.1, text/csv"),
    *("text/html;level=1", "text/htmlx", ",text/html", "html", "text/html;q=0, */*", "text/html, text/html;q=0"),
    *("application/json", "application/json, text/plain, */*", "application/json, */*", "application/json, text/html"),
    *("application/json;q=0", "text/csv", "TEXT/CSV", "text/csv;q=0.5, text/markdown", "text/markdown", "text/plain"),
    *("text/plain, */*", "text/*", "application/*;q=0.2, text/html;q=0.1", "image/png", "text/plain;q=0"),
]
CODINGS = [
    *(None, "", "identity", "gzip", "GZip", "gzip, deflate", "gzip, deflate, br", "gzip, deflate, br, zstd"),
    *(
        "deflate, gzip, br, zstd",
        "gzip,br",
        "br, gzip, deflate",
        "deflate",
        "zstd",
        "br;q=0.5, gzip",
        "gzip;q=0",
        "*",
        "*;q=0",
    ),
    *("identity;q=0", "xgzip", "gzipx, br2", "gzip;q=0.1, identity"),
]


FORMATS = ["html", "json", "csv", "md", "txt"]
FILES = [*(f"counts.{suffix}" for suffix in FORMATS), "openapi.json", "schema.json"]
QUERIES = [
    *("", *(f"format={name}" for name in FORMATS), "order=count", "order=rate"),
    *("utm_source=a", "x", "", "format=xls", "format=", "format", "order=name", "format=csv&format=csv"),
    *("format=csv&order=rate", "order=rate&format=html", "order=rate&utm_source=a", "utm_source=a&format=json"),
    *(
        "FORMAT=csv",
        "Order=rate",
        "formats=csv",
        "x=format=csv",
        "format=csv;text/html;",
        "format=csv%20",
        "order=RATE",
    ),
]


@pytest.fixture(scope="module")
def configuration(generated: str, scratch: pathlib.Path, instances: dict[str, str]) -> str:
    return unlimited(moved(generated, scratch, instances))


@pytest.fixture
def copies(configuration: str, scratch: pathlib.Path) -> Iterator[pathlib.Path]:
    """The cache folder of a running nginx."""
    with nginx(configuration, scratch):
        yield scratch / "wordtally"


@pytest.fixture
def proxy(copies: pathlib.Path, scratch: pathlib.Path) -> Iterator[Asker]:
    with contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection:
        yield Asker(connection, "/the/")


@pytest.fixture
def instance(instances: dict[str, str]) -> Iterator[Asker]:
    with contextlib.closing(http.client.HTTPConnection(instances["the"], timeout=20)) as connection:
        yield Asker(connection, "/")


def given(name: str, value: str | None) -> Fields:
    return [] if value is None else [(name, value)]


def seen(answer: Answer) -> tuple[object, ...]:
    """Everything that must be the same with and without a cache."""
    status, headers, body = answer
    names = ["Content-Type", "Content-Encoding", "Content-Length", "Vary", "ETag", "Cache-Control"]
    # An error contains its ID, which differs for each request.
    return status, [headers[name] for name in names], body.replace((headers["X-Request-Id"] or "-").encode(), b"ID")


def test_a_popular_page_reaches_the_instance_twice_a_second(proxy: Asker) -> None:
    before, begun, done = asked("the"), time.monotonic(), 0
    while time.monotonic() < begun + 2:
        assert proxy.ask()[0] == 200
        done += 1
    assert done > 100
    assert asked("the") - before <= 2 * 4


def test_each_client_gets_what_the_instance_would_choose(proxy: Asker, instance: Asker) -> None:
    chosen: list[Fields] = [
        [*given("Accept", accept), *given("Accept-Encoding", coding)]
        for accept, coding in itertools.product(ACCEPTS, CODINGS)
    ]
    chosen += [
        [*given("Accept", first), *given("Accept", second)] for first, second in itertools.permutations(ACCEPTS[2:8], 2)
    ]
    wanted = [seen(instance.ask(fields)) for fields in chosen]
    turns = [turn for turn in range(len(chosen)) for _ in range(3)]
    random.Random(1).shuffle(turns)
    before = asked("the")
    for turn in turns:
        assert seen(proxy.ask(chosen[turn])) == wanted[turn], chosen[turn]
    passed_on = asked("the") - before
    assert passed_on < len(turns) * 4 / 5, f"{passed_on} of {len(turns)} were not copies"


def test_each_link_gives_what_the_instance_gives(proxy: Asker, instance: Asker) -> None:
    accepts = [None, CHROME, "application/json", "text/csv;q=0.5, text/markdown"]
    chosen = [
        (path, f"?{query}" if query else "", given("Accept", accept))
        for path, query, accept in itertools.product(["", *FILES], QUERIES, accepts)
    ]

    def answer(asker: Asker, root: str, path: str, query: str, fields: Fields) -> tuple[object, ...]:
        asker.path = root + path
        answer = asker.ask([*fields, ("Accept-Encoding", "gzip")], query=query)
        names = ["Content-Disposition", "Link", "Content-Security-Policy"]
        return *seen(answer), [answer[1][name] for name in names]

    wanted = [answer(instance, "/", *choice) for choice in chosen]
    assert {status for status, *_ in wanted} == {200, 400}
    turns = [turn for turn in range(len(chosen)) for _ in range(3)]
    random.Random(2).shuffle(turns)
    for turn in turns:
        assert answer(proxy, "/the/", *chosen[turn]) == wanted[turn], chosen[turn]


def test_a_popular_link_reaches_the_instance_twice_a_second(proxy: Asker) -> None:
    for path, query in (("", "?format=csv"), ("", "?order=rate"), ("counts.json", ""), ("openapi.json", "")):
        proxy.path = f"/the/{path}"
        before, begun, done = asked("the", every=True), time.monotonic(), 0
        while time.monotonic() < begun + 1:
            assert proxy.ask(query=query)[0] == 200
            done += 1
        # The count includes requests for the metrics.
        assert done > 50 and asked("the", every=True) - before <= 2 * 3 + 1, (path, query, done)


def test_an_age_is_never_more_than_a_second_behind(proxy: Asker, instance: Asker) -> None:
    begun, before, done = time.monotonic(), asked("the"), 0
    while time.monotonic() < begun + 3:
        least = int(instance.ask()[1]["Age"]) - 1
        age = int(proxy.ask()[1]["Age"])
        assert least <= age <= int(instance.ask()[1]["Age"])
        done += 1
    # Two of each turn are ours.
    passed_on = asked("the") - before - 2 * done
    assert passed_on <= done / 5, f"{passed_on} of {done} were not copies"


def test_a_conditional_or_partial_request_gets_what_the_instance_says(proxy: Asker, instance: Asker) -> None:
    tag = instance.ask()[1]["ETag"]
    tags = [tag, f"W/{tag}", f'"x", {tag}', f'"x" , W/{tag}', "*", '"x"', ""]
    conditions = [[("If-None-Match", value)] for value in tags]
    conditions += [[("If-Match", value)] for value in tags if value]
    for date in ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"):
        conditions += [[("If-Modified-Since", date)], [("If-Unmodified-Since", date)]]
        conditions += [[("If-Modified-Since", date), ("If-None-Match", tag)]]
    conditions += [[("Range", "bytes=0-9")], [("Range", "bytes=0-9"), ("If-Range", tag)]]
    for condition in conditions:
        status, _, body = instance.ask(condition)
        for _ in range(4):
            proxy.ask()
            answer = proxy.ask(condition)
            assert (answer[0], answer[2]) == (status, body), condition
            assert answer[1]["ETag"] == tag, condition


def test_head_has_the_fields_of_get(proxy: Asker, instance: Asker) -> None:
    wanted = seen(instance.ask(method="HEAD"))
    for _ in range(4):
        assert seen(proxy.ask(method="HEAD")) == wanted
        assert proxy.ask()[2] == instance.ask()[2]


def test_a_request_id_is_the_requests_own(proxy: Asker) -> None:
    for turn in range(20):
        assert proxy.ask([("X-Request-Id", f"mine-{turn}")])[1]["X-Request-Id"] == f"mine-{turn}"
        assert proxy.ask()[1]["X-Request-Id"] is None


def test_a_client_that_wants_no_copy_gets_none(proxy: Asker) -> None:
    for field in (("Cache-Control", "no-cache"), ("Cache-Control", "max-age=0"), ("Pragma", "no-cache")):
        before = asked("the")
        for _ in range(20):
            proxy.ask([field])
        assert asked("the") - before == 20, field


def test_neither_queries_nor_fields_fill_the_cache(proxy: Asker, copies: pathlib.Path) -> None:
    accepts = ["text/html, x/{}", "x/{}, text/html", "*/*;v={}", "application/json, */*;q=0.{}"]
    codings = ["gzip, x{}", "x{}", "gzip", "gzip, deflate, br, zstd"]
    begun, most = time.monotonic(), 0
    for turn in range(1500):
        accept, coding = (text.format(turn) for text in (accepts[turn % 4], codings[turn // 4 % 4]))
        fields = [
            ("Accept", accept),
            ("Accept-Encoding", coding),
            ("Cookie", f"c={turn}"),
            ("Accept-Language", f"{turn}"),
        ]
        query = f"?format=csv&{turn}" if turn % 5 == 0 else f"?{'q' * (turn % 4000)}{turn}"
        assert proxy.ask(fields, query=query)[0] in (200, 406)
        most = max(most, len(list(copies.iterdir())))
    # For each second, HTML with two lists of codings.
    assert 0 < most <= 2 * (time.monotonic() - begun + 2)


def test_an_error_is_never_a_copy(generated: str, scratch: pathlib.Path, instances: dict[str, str]) -> None:
    (folder := scratch / "errors").mkdir()
    held = Instance(folder)
    held.start_standin(known=False)
    held.start()
    text = unlimited(moved(generated, scratch, instances | {"the": held.address}))
    try:
        with nginx(text, scratch), contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection:
            asker = Asker(connection, "/the/")
            for _ in range(50):
                status, headers, _ = asker.ask()
                assert (status, headers["Cache-Control"]) == (503, "no-store")
            assert list((scratch / "wordtally").iterdir()) == []
            held.start_standin()
            held.end()
            held.start()
            assert asker.ask()[0] == 200
    finally:
        held.close()
