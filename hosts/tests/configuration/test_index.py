"""The index of all words at the reverse proxy: the totals, and what is shown while a word or the index is down."""

import contextlib
import json
import pathlib
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from proxy import TLS, WORDS, WORDS_HOST, Asker, Resolved, ask, free_ports, index, moved, nginx, trusting, unlimited

HTML, JSON, TEXT = "text/html,*/*;q=0.8", "application/json", "text/plain"


@pytest.fixture(scope="module")
def configuration(generated: str, scratch: pathlib.Path, instances: dict[str, str]) -> str:
    return moved(generated, scratch, instances)


@pytest.fixture
def down() -> str:
    """An address on which nothing listens."""
    return f"127.0.0.1:{free_ports(1)[0]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of an index that accepts requests and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def page(scratch: pathlib.Path, accept: str, path: str = "/") -> tuple[str, str]:
    """Media type and text of a page that is served."""
    status, headers, body = ask(TLS, WORDS_HOST, path, trusting(scratch), {"Accept": accept})
    assert status == 200, (status, body)
    return headers["Content-Type"], body.decode()


def listed(scratch: pathlib.Path) -> dict[str, Any]:
    """The index's entry for each word, by its page."""
    kind, text = page(scratch, JSON)
    assert kind == JSON
    return {one["url"]: one for one in json.loads(text)["words"]}


def pages_are_linked(html: str) -> bool:
    return all(f'href="/{name}/"' in html for name in WORDS)


def test_it_shows_each_words_total(configuration: str, scratch: pathlib.Path) -> None:
    with nginx(configuration, scratch):
        found = listed(scratch)
        assert list(found) == [f"/{name}/" for name in WORDS]
        kind, html = page(scratch, HTML)
        assert kind == "text/html; charset=utf-8" and pages_are_linked(html), kind
        for name, word in WORDS.items():
            counts = json.loads(page(scratch, JSON, f"/{name}/")[1])
            one = found[f"/{name}/"]
            assert one["word"] == word and one["state"] == "counted"
            assert (one["total_words"], one["as_of"]) == (counts["total_words"], counts["as_of"])
            assert one["corpora"] == len(counts["counts"]) > 0
            assert f">{counts['total_words']:,}<" in html, name
        kind, text = page(scratch, TEXT)
        assert kind == "text/plain; charset=utf-8" and len(text.splitlines()) == len(WORDS), text


def test_it_is_served_out_of_the_cache_and_by_its_tag(configuration: str, scratch: pathlib.Path) -> None:
    with (
        nginx(unlimited(configuration), scratch),
        contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection,
    ):
        asker, done, begun = Asker(connection, "/"), 0, time.monotonic()
        while time.monotonic() < begun + 1.5:
            status, headers, body = asker.ask([("Accept", JSON)])
            assert status == 200 and json.loads(body)
            done += 1
        assert done > 50 and list((scratch / "wordtally").iterdir())
        tag = headers["ETag"]
        assert asker.ask([("Accept", JSON), ("If-None-Match", tag)])[0] == 304
        assert asker.ask([("Accept", HTML), ("If-None-Match", tag)])[0] == 200


def test_a_word_that_is_down_is_listed_and_has_no_total(
    generated: str, scratch: pathlib.Path, instances: dict[str, str], down: str
) -> None:
    with index(scratch, instances | {"love": down}) as address:
        with nginx(moved(generated, scratch, instances | {"index": address}), scratch):
            found = listed(scratch)
            states = {url: one["state"] for url, one in found.items()}
            assert states.pop("/love/") == "unavailable" and set(states.values()) == {"counted"}
            assert "total_words" not in found["/love/"]
            assert pages_are_linked(page(scratch, HTML)[1])


def test_while_the_index_is_down_the_list_is_shown(
    generated: str, scratch: pathlib.Path, instances: dict[str, str], down: str, silent: str
) -> None:
    for address in (down, silent):
        with nginx(moved(generated, scratch, instances | {"index": address}), scratch):
            begun = time.monotonic()
            assert {one["state"] for one in listed(scratch).values()} == {"unavailable"}
            assert time.monotonic() - begun < 8
            for accept, expected in ((HTML, "text/html"), (TEXT, "text/plain"), ("*/*", "text/html")):
                kind, text = page(scratch, accept)
                assert kind == f"{expected}; charset=utf-8", accept
                assert all(f"/{name}/" in text for name in WORDS)
            # The format in the link takes precedence over a browser's `Accept`.
            for link, expected in (("json", JSON), ("csv", TEXT), ("md", TEXT), ("txt", TEXT), ("html", "text/html")):
                for accept in (HTML, JSON):
                    kind, text = page(scratch, accept, f"/?format={link}")
                    assert kind.removesuffix("; charset=utf-8") == expected, (link, accept)
                    assert link != "json" or len(json.loads(text)["words"]) == len(WORDS)
            headers = ask(TLS, WORDS_HOST, "/", trusting(scratch), {"Accept": HTML})[1]
            assert headers["Cache-Control"] == "no-store" and headers["ETag"] is None
            # Its policy allows its style.
            assert re.search(r"style-src 'sha256-[^']+'", headers["Content-Security-Policy"])
            assert ask(TLS, WORDS_HOST, "/the/", trusting(scratch))[0] == 200
