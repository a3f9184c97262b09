"""httplint, from REDbot, finds nothing to improve in any response, for every route and status."""

import http.client
import socket
import time

import pytest
from conftest import ORIGIN
from httplint import HttpRequestLinter, HttpResponseLinter, levels
from instance import PATIENCE, Index, Instance

Fields = dict[str, str]
# A method, an address, header fields, and the expected status.
Exchange = tuple[str, str, Fields, int]

JSON = {"Accept": "application/json"}
GZIP = {"Accept-Encoding": "gzip"}
KNOWN = {"If-None-Match": "*"}
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
COUNTS = ["/", "/counts.html", "/counts.json", "/counts.csv", "/counts.md", "/counts.txt", "/?format=csv"]
DOCUMENTS = ["/openapi.json", "/schema.json"]
OWN = ["/healthz", "/livez", "/readyz", "/metrics"]

# Its notes on responses that are intended, and why they stay.
MEANT = {
    "STATUS_BAD_REQUEST": "it says so of each 400, and to send one is the point",
    "STATUS_URI_TOO_LONG": "the same of each 414",
}

EVERYTHING: list[Exchange] = [
    *[("GET", path, {}, 200) for path in COUNTS + DOCUMENTS + OWN],
    *[("GET", path, GZIP, 200) for path in COUNTS + DOCUMENTS],
    *[("HEAD", path, {}, 200) for path in COUNTS + DOCUMENTS + OWN],
    *[("GET", path, KNOWN, 304) for path in COUNTS + DOCUMENTS],
    ("GET", "/?order=rate", {}, 200),
    *[("GET", "/?format=xls", accept, 400) for accept in ({}, JSON)],
    *[("GET", "/none", accept, 404) for accept in ({}, JSON, {"Accept": "text/plain"})],
    *[("POST", "/", accept, 405) for accept in ({}, JSON)],
    ("OPTIONS", "/", PREFLIGHT, 405),
    ("GET", "/", {"Accept": "image/png"}, 406),
    ("GET", "/", {"Accept": "application/problem+json"}, 406),
    ("GET", "/counts.csv", {"Accept-Encoding": "identity;q=0"}, 406),
    ("GET", "/", {"Content-Length": "1"}, 413),
    ("GET", "/" + "a" * 1100, {}, 414),
]
WITHOUT_ANSWER: list[Exchange] = [
    *[("GET", path, {}, 503) for path in COUNTS],
    ("GET", "/", JSON, 503),
    ("HEAD", "/counts.json", {}, 503),
    ("GET", "/readyz", {}, 503),
]
LIST = ["/", "/?format=html", "/?format=json", "/?format=txt"]
OF_THE_INDEX: list[Exchange] = [
    *[("GET", path, fields, 200) for path in LIST for fields in ({}, GZIP, JSON)],
    *[("HEAD", path, {}, 200) for path in [*LIST, "/healthz", "/livez", "/readyz"]],
    *[("GET", path, KNOWN, 304) for path in LIST],
    *[("GET", "/?format=csv", accept, 400) for accept in ({}, JSON)],
    *[("GET", "/none", accept, 404) for accept in ({}, JSON)],
    ("POST", "/", {}, 405),
    ("GET", "/", {"Accept-Encoding": "identity;q=0"}, 406),
]
OF_ANOTHER_ORIGIN: list[Exchange] = [
    ("OPTIONS", "/counts.json", PREFLIGHT, 204),
    *[("GET", path, {"Origin": ORIGIN}, 200) for path in COUNTS + DOCUMENTS],
    *[("GET", path, {"Origin": ORIGIN} | KNOWN, 304) for path in COUNTS],
    ("GET", "/none", {"Origin": ORIGIN} | JSON, 404),
    ("GET", "/", {"Origin": "https://b.example"}, 200),
    ("GET", "/", {}, 200),
]


def test_what_is_served(serving: Instance) -> None:
    assert faults(serving, EVERYTHING) == {}


def test_errors_without_an_answer(failing: Instance) -> None:
    assert faults(failing, WITHOUT_ANSWER) == {}


def test_an_old_answer(stale: Instance) -> None:
    assert faults(stale, [("GET", path, fields, 200) for path in COUNTS for fields in ({}, GZIP)]) == {}


def test_the_list_of_words(index: Index) -> None:
    assert faults(index, OF_THE_INDEX) == {}


@pytest.mark.parametrize("origins", ["open_to_each", "open_to_one"])
def test_what_other_origins_may_read(origins: str, request: pytest.FixtureRequest) -> None:
    assert faults(request.getfixturevalue(origins), OF_ANOTHER_ORIGIN) == {}


def test_a_head_that_cannot_be_read(serving: Instance) -> None:
    """Sent raw, because no client sends these."""
    for head, status in [
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\na: {'a' * 20000}\r\n\r\n", 431),
    ]:
        with socket.create_connection(("127.0.0.1", serving.port), PATIENCE) as connection:
            connection.sendall(head.encode())
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == status
            assert lint(None, response, serving.url) == []


def test_it_finds_what_is_wrong(serving: Instance) -> None:
    """The linter is used correctly: it finds one changed field."""
    response = ask(serving, "GET", "/counts.csv", {})
    response.headers.replace_header("Cache-Control", "public, max-age=-1")
    assert lint(None, response, serving.url) != []


def faults(instance: Instance, exchanges: list[Exchange]) -> dict[str, list[str]]:
    found = {}
    for method, path, fields, status in exchanges:
        response = ask(instance, method, path, fields)
        exchange = f"{method} {path[:40]} {fields}"
        assert response.status == status, exchange
        if notes := lint((method, fields), response, instance.url + path):
            found[exchange] = notes
    return found


def ask(instance: Instance, method: str, path: str, fields: Fields) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=PATIENCE)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in fields.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def lint(asked: tuple[str, Fields] | None, response: http.client.HTTPResponse, url: str) -> list[str]:
    """httplint's warnings, except for those that are intended."""
    now = time.time()
    linter = HttpResponseLinter(start_time=now)
    linter.base_uri = url
    if asked:
        method, fields = asked
        request = HttpRequestLinter(start_time=now)
        request.process_request_topline(method.encode(), url.encode(), b"1.1")
        request.process_headers([(name.encode(), value.encode()) for name, value in fields.items()])
        request.finish_content(True)
        linter.request = request
        linter.is_head_response = method == "HEAD"
    linter.process_response_topline(b"1.1", str(response.status).encode(), response.reason.encode())
    linter.process_headers([(name.encode(), value.encode("latin-1")) for name, value in response.getheaders()])
    linter.feed_content(response.read())
    linter.finish_content(True)
    bad = [note for note in linter.notes if note.level in (levels.WARN, levels.BAD)]
    return [f"{type(note).__name__}: {note.summary}" for note in bad if type(note).__name__ not in MEANT]
