"""The faults of tests/service/*/library_faults.rs, and others that a service meets when it runs for months."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from upstream import Close, Hang, HangInBody, Reply, Request, Script, Upstream, endless

REFERENCE = {"projectId": "bench", "jobId": "job_1", "location": "US"}
SCHEMA = {"fields": [{"name": "corpus", "type": "STRING"}, {"name": "total_words", "type": "INTEGER"}]}
HTML = "<html>busy</html>"
MANY_ROWS = 1_000_000
LARGEST = 2**63 - 1


def row(corpus: str) -> dict[str, Any]:
    return {"f": [{"v": corpus}, {"v": "995"}]}


def answer(**other: Any) -> dict[str, Any]:
    rows = [row("hamlet")]
    whole = {"jobComplete": True, "jobReference": REFERENCE, "schema": SCHEMA, "totalRows": "1", "rows": rows}
    return {name: value for name, value in (whole | other).items() if value is not None}


def granted(**other: Any) -> dict[str, Any]:
    return {"access_token": "secret-token", "expires_in": 3600, "token_type": "Bearer"} | other


def google(
    query: Callable[[Request], Any] = lambda _: Reply(answer()),
    token: Callable[[Request], Any] = lambda _: Reply(granted()),
) -> Script:
    return lambda request: token(request) if request.is_for_token() else query(request)


def first(fault: Any, then: Any) -> Callable[[Request], Any]:
    """The fault once, then correct responses."""
    return lambda request: fault if request.nth == 0 else then


def always(reply: Any) -> Callable[[Request], Any]:
    return lambda _: reply


def many_rows() -> Iterator[bytes]:
    yield b'{"jobComplete":true,"jobReference":{"projectId":"bench","jobId":"job_1"},"totalRows":"%d",' % MANY_ROWS
    yield b'"schema":{"fields":[{"name":"corpus","type":"STRING"},{"name":"total_words","type":"INTEGER"}]},"rows":['
    chunk = b",".join([b'{"f":[{"v":"hamlet"},{"v":"995"}]}'] * 10_000)
    for part in range(MANY_ROWS // 10_000):
        yield chunk if part == 0 else b"," + chunk
    yield b"]}"


def poll(request: Request) -> Reply:
    """A job that is still running at the first poll; its rows come when a page is requested by token."""
    if request.nth <= 1:
        return Reply({"jobComplete": False, "jobReference": REFERENCE})
    if "pageToken" in request.path or "maxResults=0" not in request.path:
        return Reply(answer())
    return Reply(answer(rows=None, pageToken="more"))


def expired(request: Request) -> Reply:
    """Accepts a token once; then reports it as expired, with BigQuery's own message."""
    if request.nth == 0:
        return Reply(answer())
    error = {"code": 401, "message": "Invalid Credentials", "status": "UNAUTHENTICATED"}
    errors = [{"reason": "authError", "domain": "global", "message": "Invalid Credentials"}]
    return Reply({"error": error | {"errors": errors}}, 401)


def no_lifetime(_: Request) -> Reply:
    return Reply({"access_token": "secret-token", "token_type": "Bearer"})


def tokens(upstream: Upstream) -> str:
    return f"{len(upstream.tokens())} token requests"


def sent(upstream: Upstream) -> str:
    return f"{len(upstream.queries())} requests"


def ids(upstream: Upstream) -> str:
    found = [json.loads(request.body).get("requestId") for request in upstream.queries() if request.body]
    same = len(set(found)) == 1 and found[0] is not None
    return f"{len(found)} requests" + (", one requestId" if len(found) > 1 and same else "")


def cancels(upstream: Upstream) -> str:
    return f"{sum('/cancel' in request.path for request in upstream.seen)} cancelled"


@dataclass
class Fault:
    """A fault that a client meets, and the facts about its requests to report."""

    name: str
    script: Script
    asks: int = 1
    seconds: int = 5
    together: bool = False
    told: Callable[[Upstream], str] | None = None
    memory: bool = False
    token_uri: str | None = None


LIBRARY_FAULTS = [
    Fault("a job that runs on", google(always(Reply({"jobComplete": False, "jobReference": REFERENCE}))), told=cancels),
    Fault("a schema without fields", google(always(Reply(answer(schema={}))))),
    Fault("an HTML 503", google(always(Reply(HTML, 503))), seconds=180, told=sent),
    Fault("no answer from BigQuery", google(always(Hang())), seconds=70),
    Fault("one row and a page token", google(first(Reply(answer(totalRows="2", pageToken="more")), Reply(answer())))),
    Fault("`{}` once for a token", google(token=first(Reply({}), Reply(granted()))), asks=3, told=tokens),
    Fault("a token without lifetime, later refused", google(expired, no_lifetime), asks=3, told=tokens),
    Fault(
        "20 at once, no token yet",
        google(token=always(Reply(granted(), after=0.05))),
        asks=20,
        together=True,
        told=tokens,
    ),
    Fault("no answer from the token server", google(token=always(Hang())), seconds=70),
    Fault("half a token, then nothing", google(token=always(HangInBody()))),
    Fault("a bad token address", google(), asks=2, token_uri="not an address"),
    Fault("an absurd lifetime", google(token=always(Reply(granted(expires_in=LARGEST)))), asks=2),
]

OTHER_FAULTS = [
    Fault("a job that ends after one poll", google(poll), seconds=10),
    Fault("a running job without a name", google(always(Reply({"jobComplete": False})))),
    Fault("a page token without a job", google(always(Reply(answer(jobReference=None, pageToken="more"))))),
    Fault("an answer that got lost", google(first(Close(), Reply(answer()))), seconds=30, told=ids),
    Fault("a token refused with 401", google(expired), asks=3, told=tokens),
    Fault(
        "`invalid_grant` once",
        google(token=first(Reply({"error": "invalid_grant"}, 400), Reply(granted()))),
        asks=3,
        told=tokens,
    ),
    Fault("503 once for a token", google(token=first(Reply(HTML, 503), Reply(granted()))), asks=3, told=tokens),
    Fault("256 MB of a body", google(lambda _: Reply(endless())), seconds=60, memory=True),
    Fault("256 MB of an error", google(lambda _: Reply(endless(), 400)), seconds=60, memory=True),
    Fault("256 MB of a token", google(token=lambda _: Reply(endless())), seconds=60, memory=True),
    Fault("1,000,000 rows in 35 MB", google(lambda _: Reply(many_rows())), seconds=60, memory=True),
]
