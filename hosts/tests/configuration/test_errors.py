"""nginx's own errors: in the pages' style for a browser, as problem details for a program, otherwise as a line of text."""

import base64
import collections
import contextlib
import hashlib
import json
import pathlib
import re

import pytest
from proxy import TLS, WORDS_HOST, Answer, Asker, Resolved, free_ports, moved, nginx, trusting, unlimited

FORMS = {
    "text/html,application/xhtml+xml,*/*;q=0.8": "text/html; charset=utf-8",
    "application/json, text/plain, */*": "application/problem+json",
    "application/problem+json": "application/problem+json",
    "text/plain": "text/plain; charset=utf-8",
    "*/*": "text/plain; charset=utf-8",
    "image/png": "text/plain; charset=utf-8",
}
SECURE = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}
# Method, path, status, and the fields that only some errors have.
ERRORS = {
    "nothing": ("GET", "/nothing", 404, None, None),
    "nothing of a word's": ("GET", "/the/nothing", 404, None, None),
    "metrics": ("GET", "/the/metrics", 404, None, None),
    "another case": ("GET", "/THE/counts.csv", 404, None, None),
    "no word's": ("GET", "/nobody/counts.csv", 404, None, None),
    "a file of nginx's own": ("GET", "/.static/errors/404.html", 404, None, None),
    "POST": ("POST", "/the/", 405, "GET, HEAD", None),
    "DELETE": ("DELETE", "/", 405, "GET, HEAD", None),
    "a word that is down": ("GET", "/love/", 503, None, "5"),
    "a file of a word that is down": ("GET", "/love/counts.csv", 503, None, "5"),
}


@pytest.fixture(scope="module")
def configuration(generated: str, scratch: pathlib.Path, instances: dict[str, str]) -> str:
    return moved(generated, scratch, instances | {"love": f"127.0.0.1:{free_ports(1)[0]}"})


def check(answer: Answer, accept: str, status: int, allow: str | None, retry_after: str | None) -> None:
    found, headers, body = answer
    assert found == status
    assert headers["Content-Type"] == FORMS[accept]
    assert {name: headers[name] for name in SECURE} == SECURE
    assert (headers["Allow"], headers["Retry-After"]) == (allow, retry_after)
    assert headers["ETag"] is None and headers["Last-Modified"] is None
    if "html" in FORMS[accept]:
        [style] = re.findall("<style>(.*?)</style>", body.decode(), re.S)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in headers["Content-Security-Policy"]
        assert f"{status} " in body.decode() and 'href="/"' in body.decode(), body
    elif "json" in FORMS[accept]:
        problem = json.loads(body)
        assert problem["status"] == status and problem["title"] and problem["detail"], problem
        assert str(problem.get("retry_after")) == str(retry_after)
    else:
        assert re.fullmatch(rf"{status} [A-Z][A-Za-z ]+: [A-Z].*\.\n", body.decode()), body


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_in_the_form_that_its_client_reads(configuration: str, scratch: pathlib.Path, error: str) -> None:
    method, path, status, allow, retry_after = ERRORS[error]
    with nginx(configuration, scratch):
        for accept in FORMS:
            with contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection:
                answer = Asker(connection, path).ask([("Accept", accept)], method=method)
                check(answer, accept, status, allow, retry_after)


def test_head_has_the_fields_and_no_body(configuration: str, scratch: pathlib.Path) -> None:
    with nginx(configuration, scratch), contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection:
        asker = Asker(connection, "/nothing")
        get, head = (asker.ask([("Accept", "text/html")], method=method) for method in ("GET", "HEAD"))
        assert head[0] == get[0] == 404 and head[2] == b""
        assert head[1]["Content-Length"] == get[1]["Content-Length"] == str(len(get[2]))


def test_a_client_that_exceeds_the_limits_is_told_in_each_format(configuration: str, scratch: pathlib.Path) -> None:
    with nginx(configuration, scratch):
        for path in ("/the/", "/", "/nothing"):
            found: collections.Counter[int] = collections.Counter()
            with contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection:
                asker = Asker(connection, path)
                while found[429] < 3 * len(FORMS):
                    accept = list(FORMS)[sum(found.values()) % len(FORMS)]
                    answer = asker.ask([("Accept", accept)])
                    found[answer[0]] += 1
                    if answer[0] == 429:
                        check(answer, accept, 429, None, "1")
                    assert sum(found.values()) < 1000, found


def test_an_instances_own_error_is_passed_on(configuration: str, scratch: pathlib.Path) -> None:
    with (
        nginx(unlimited(configuration), scratch),
        contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection,
    ):
        status, headers, _ = Asker(connection, "/the/").ask(query="?format=xls")
        assert status == 400 and headers["X-Request-Id"] and headers["Strict-Transport-Security"]
