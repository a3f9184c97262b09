"""Starts nginx with a third party's configuration that includes ours, in front of real instances.

Then plants each fault that we once had, or nearly had, and checks that it is found.
"""

import pathlib
import re
import subprocess
from collections.abc import Callable

import pytest
from proxy import INTERNAL, PLAIN, SITE, TLS, WORDS, WORDS_HOST, ask, command, moved, nginx, replaced, trusting


def faults(scratch: pathlib.Path) -> list[str]:
    """The wrong responses of the running nginx."""
    found: list[str] = []
    tls = trusting(scratch)

    def expect(what: str, got: object, wanted: object) -> None:
        if got != wanted:
            found.append(f"{what}: {got}")

    for name in WORDS:
        status, headers, _ = ask(TLS, WORDS_HOST, f"/{name}/", tls, {"Accept-Encoding": "gzip;q=0.5, identity"})
        expect(f"/{name}/", status, 200)
        expect(f"the coding of /{name}/", headers["Content-Encoding"], None)
        expect(f"the Server of /{name}/", headers["Server"], "nginx")
        expect(f"the internal /{name}/metrics", ask(INTERNAL, "internal", f"/{name}/metrics")[0], 200)
    expect("what is cached", list((scratch / "site").glob("*")), [])
    challenge = ask(PLAIN, WORDS_HOST, "/.well-known/acme-challenge/tried")
    expect("the challenge", (challenge[0], challenge[2]), (200, b"proof\n"))
    status, headers, _ = ask(PLAIN, WORDS_HOST, "/the/")
    expect("the redirect", (status, headers["Location"]), (301, f"https://{WORDS_HOST}/the/"))

    for host in (SITE, "127.0.0.1", "nobody.example.test"):
        status, headers, _ = ask(PLAIN, host, "/page")
        expect(f"{host} on port 80", (status, headers["Location"]), (301, f"https://{host}/page"))
    status, _, text = ask(TLS, SITE, "/", tls)
    expect("the owner's site", (status, text), (200, b"the owner's site\n"))
    status, _, text = ask(TLS, SITE, "/app/", tls)
    expect("the owner's application", (status, text), (200, f"https://{SITE}\n".encode()))
    return found


def tried(text: str, scratch: pathlib.Path) -> list[str]:
    """The faults of a configuration, as nginx's own message if nginx rejects it."""
    test = subprocess.run([*command(text, scratch), "-t"], capture_output=True, text=True)
    # nginx may ignore a setting that it only warns about.
    if test.returncode or "[warn]" in test.stderr:
        return [test.stderr]
    with nginx(text, scratch):
        return faults(scratch)


def server(name: str, tls: bool) -> str:
    """The words' server on a port, up to its own lines."""
    port = f"{TLS} ssl" if tls else PLAIN
    return rf"(listen 127\.0\.0\.1:{port} ;\s*server_name {re.escape(name)} ;)"


HEADERS = r"(proxy_set_header Host words\.example\.test;)"
LOCATION = r"location \^~ /\.well-known/acme-challenge/ \{[^}]*\}"
# Each fault: its symptom, and the change to the configuration that plants it.
PLANTED: dict[str, Callable[[str], str]] = {
    "/the/: 400": lambda text: replaced(HEADERS, r"\1 proxy_set_header Host $host;", text, every=True),
    "a duplicate default server": lambda text: replaced(
        server(WORDS_HOST, True), lambda found: found[1].replace(" ;", " default_server ;", 1), text
    ),
    '"worker_processes" directive is duplicate': lambda text: text + "\nworker_processes auto;",
    '"worker_connections" directive is duplicate': lambda text: replaced(
        r"events \{", "events { worker_connections 8192;", text
    ),
    '"proxy_temp_path" directive is duplicate': lambda text: replaced(r"(proxy_temp_path [^;]*;)", r"\1 \1", text),
    "the challenge: (301": lambda text: replaced(server(WORDS_HOST, False) + r"([^§]*?)" + LOCATION, r"\1\2", text),
    "the coding of /the/: gzip": lambda text: replaced(r"gzip off;", "", text, every=True),
    "what is cached: [": lambda text: replaced(
        r"proxy_cache \$wordtally_cache;([^}]*?)proxy_cache_min_uses 2;", r"proxy_cache site;\1", text, every=True
    ),
    "the Server of /the/: nginx/": lambda text: replaced(
        r"server_tokens off;", "", text.replace("server_tokens on;", ""), every=True
    ),
    "the owner's application": lambda text: replaced(
        r"(location /app/ \{[^}]*?)include [^;]*;", r"\1proxy_set_header Host words;", text
    ),
}


@pytest.fixture(scope="session")
def configuration(generated: str, scratch: pathlib.Path, instances: dict[str, str]) -> str:
    return moved(generated, scratch, instances)


def test_the_words_are_served_beside_the_owners_site(configuration: str, scratch: pathlib.Path) -> None:
    assert tried(configuration, scratch) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(configuration: str, scratch: pathlib.Path, fault: str) -> None:
    found = tried(PLANTED[fault](configuration), scratch)
    assert any(fault in line for line in found), found
