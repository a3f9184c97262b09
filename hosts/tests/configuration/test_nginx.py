"""Starts nginx with somebody else's configuration and ours in it, before real instances.

Then breaks the configuration in each way that has been a fault of ours, or is near one, and sees it found.
"""

import contextlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

SITE, WORDS_HOST = "www.example.test", "words.example.test"
WORDS = {"the": "the", "love": "love", "romeo": "Romeo", "tis": "'Tis"}
START = 30


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


PLAIN, TLS, INTERNAL, APP = free_ports(4)


def moved(text: str, scratch: pathlib.Path, instances: dict[str, str]) -> str:
    """The configuration with places that this build may use; nothing else of it is changed."""
    for old, new in [
        (r"listen \[::0\]:.*", ""),
        (r"listen 0\.0\.0\.0:80 ", f"listen 127.0.0.1:{PLAIN} "),
        (r"listen 0\.0\.0\.0:443 ", f"listen 127.0.0.1:{TLS} "),
        (r"127\.0\.0\.1:9180 ", f"127.0.0.1:{INTERNAL} "),
        (r"127\.0\.0\.1:8090\b", f"127.0.0.1:{APP}"),
        (r"(ssl_(?:trusted_)?certificate) [^;]*", rf"\1 {scratch}/certificate.pem"),
        (r"ssl_certificate_key [^;]*", f"ssl_certificate_key {scratch}/key.pem"),
        (r"/var/lib/acme/acme-challenge\b", f"{scratch}/challenges"),
        (r"/var/cache/nginx/", f"{scratch}/"),
        (r"(?m)^\s*pid .*", f"pid {scratch}/pid;"),
    ]:
        text, count = re.subn(old, new, text)
        assert count, f"the configuration has no {old}"
    for name, address in instances.items():

        def moved_upstream(upstream: re.Match[str]) -> str:
            return re.sub(r"server \S+ ", f"server {address} ", upstream[1])

        text, count = re.subn(rf"(upstream wordtally-{name} {{[^}}]*}})", moved_upstream, text)
        assert count == 1, name
    # Where Nix builds as root, nginx's workers would be somebody who may not enter the build's folder.
    return "user root;\n" + text if os.geteuid() == 0 else text


class Resolved(http.client.HTTPSConnection):
    """Over TLS to this machine, by a name that nobody can resolve."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=20, context=context)
        self.context = context

    def connect(self) -> None:
        connection = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self.context.wrap_socket(connection, server_hostname=self.host)


def ask(
    port: int, host: str, path: str, tls: ssl.SSLContext | None = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, header fields and text."""
    connection = Resolved(host, port, tls) if tls else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host, "Accept": "text/plain"} | (headers or {}))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def faults(scratch: pathlib.Path) -> list[str]:
    """What the running nginx answers otherwise than it should."""
    found: list[str] = []
    tls = ssl.create_default_context(cafile=scratch / "certificate.pem")

    def expect(what: str, got: object, wanted: object) -> None:
        if got != wanted:
            found.append(f"{what}: {got}")

    for name in WORDS:
        status, headers, _ = ask(TLS, WORDS_HOST, f"/{name}/", tls, {"Accept-Encoding": "gzip"})
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
    """What is wrong with a configuration, in nginx's own words if it does not take it."""
    configuration = scratch / "nginx.conf"
    configuration.write_text(text)
    command = ["nginx", "-e", "stderr", "-c", str(configuration)]
    test = subprocess.run([*command, "-t"], capture_output=True, text=True)
    # What it only warns of, it may leave out.
    if test.returncode or "[warn]" in test.stderr:
        return [test.stderr]
    shutil.rmtree(scratch / "site", ignore_errors=True)
    with (scratch / "nginx.log").open("w") as log:
        nginx = subprocess.Popen(command, stderr=log)
    try:
        wait(PLAIN)
        return faults(scratch)
    finally:
        nginx.terminate()
        nginx.wait()


def wait(port: int) -> None:
    end = time.monotonic() + START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def demo() -> Iterator[dict[str, str]]:
    """The address of each word's instance."""
    flags = [f"--word={word}" for word in WORDS.values()]
    process = subprocess.Popen(
        ["wordtally", "demo", "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, text=True
    )
    try:
        found = {}
        assert process.stdout
        for line in process.stdout:
            if match := re.fullmatch(r"  http://([^/]+)/  (.+)\n", line):
                found[match[2]] = match[1]
            if line.startswith("All of them"):
                break
        yield {name: found[word] for name, word in WORDS.items()}
    finally:
        process.terminate()
        process.wait()


def prepare(scratch: pathlib.Path) -> None:
    """A certificate for both names, and the answer to a challenge."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    names = ["-subj", "/CN=test", "-addext", f"subjectAltName=DNS:{SITE},DNS:{WORDS_HOST}"]
    files = ["-keyout", str(scratch / "key.pem"), "-out", str(scratch / "certificate.pem")]
    subprocess.run(["openssl", "req", "-x509", *curve, *names, *files], check=True, stderr=subprocess.DEVNULL)
    challenge = scratch / "challenges/.well-known/acme-challenge/tried"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("proof\n")


def replaced(old: str, new: str | Callable[[re.Match[str]], str], text: str, every: bool = False) -> str:
    changed, count = re.subn(old, new, text, count=0 if every else 1)
    assert count, f"nothing to break: {old}"
    return changed


def server(name: str, tls: bool) -> str:
    """The words' server of a port, up to its own lines."""
    port = f"{TLS} ssl" if tls else PLAIN
    return rf"(listen 127\.0\.0\.1:{port} ;\s*server_name {re.escape(name)} ;)"


HEADERS = r"(proxy_set_header Host words\.example\.test;)"
LOCATION = r"location \^~ /\.well-known/acme-challenge/ \{[^}]*\}"
# Each fault: what it looks like, and how the configuration gets it.
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
    "what is cached: [": lambda text: replaced(r"proxy_cache off;", "", text, every=True),
    "the Server of /the/: nginx/": lambda text: replaced(
        r"server_tokens off;", "", text.replace("server_tokens on;", ""), every=True
    ),
    "the owner's application": lambda text: replaced(
        r"(location /app/ \{[^}]*?)include [^;]*;", r"\1proxy_set_header Host words;", text
    ),
}


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("nginx")
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def configuration(scratch: pathlib.Path) -> Iterator[str]:
    with demo() as instances:
        yield moved(pathlib.Path(os.environ["NGINX"]).read_text(), scratch, instances)


def test_the_words_are_served_beside_the_owners_site(configuration: str, scratch: pathlib.Path) -> None:
    assert tried(configuration, scratch) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(configuration: str, scratch: pathlib.Path, fault: str) -> None:
    found = tried(PLANTED[fault](configuration), scratch)
    assert any(fault in line for line in found), found
