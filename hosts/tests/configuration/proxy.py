"""nginx with a generated configuration, on paths that a test may use, in front of real instances."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

SITE, WORDS_HOST = "www.example.test", "words.example.test"
WORDS = {"the": "the", "love": "love", "romeo": "Romeo", "tis": "'Tis"}
PATIENCE = 30


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


PLAIN, TLS, INTERNAL, APP = free_ports(4)


def moved(text: str, scratch: pathlib.Path, instances: dict[str, str]) -> str:
    """The configuration with paths that this build may use, and otherwise unchanged."""
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
        (r"/run/nginx/", f"{scratch}/"),
    ]:
        text, count = re.subn(old, new, text)
        assert count, f"the configuration has no {old}"
    for name, address in instances.items():

        def moved_upstream(upstream: re.Match[str]) -> str:
            return re.sub(r"server \S+ ", f"server {address} ", upstream[1])

        text, count = re.subn(rf"(upstream wordtally-{name} {{[^}}]*}})", moved_upstream, text)
        assert count == 1, name
    # If Nix builds as root, nginx's workers would run as a user who may not enter the build's folder.
    return "user root;\n" + text if os.geteuid() == 0 else text


def replaced(old: str, new: str | Callable[[re.Match[str]], str], text: str, every: bool = False) -> str:
    changed, count = re.subn(old, new, text, count=0 if every else 1)
    assert count, f"nothing to replace: {old}"
    return changed


def unlimited(text: str) -> str:
    """For a test that sends more requests than one address may."""
    text = replaced(r"limit_req zone=wordtally_requests [^;]*;", "", text)
    return replaced(r"limit_conn wordtally_connections [^;]*;", "", text)


class Resolved(http.client.HTTPSConnection):
    """Connects over TLS to this machine, with a name that cannot be resolved."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=20, context=context)
        self.context = context

    def connect(self) -> None:
        connection = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self.context.wrap_socket(connection, server_hostname=self.host)


def trusting(scratch: pathlib.Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=scratch / "certificate.pem")


Answer = tuple[int, http.client.HTTPMessage, bytes]
Fields = Sequence[tuple[str, str]]


def ask(
    port: int, host: str, path: str, tls: ssl.SSLContext | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Status, header fields and text."""
    connection = Resolved(host, port, tls) if tls else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": host, "Accept": "text/plain"} | (headers or {}))
        response = connection.getresponse()
        return response.status, response.headers, response.read()


class Asker:
    """A connection that is kept."""

    def __init__(self, connection: http.client.HTTPConnection, path: str) -> None:
        self.connection, self.path = connection, path

    def ask(self, fields: Fields = (), method: str = "GET", query: str = "") -> Answer:
        self.connection.putrequest(method, self.path + query, skip_host=True, skip_accept_encoding=True)
        for name, value in [("Host", WORDS_HOST), *fields]:
            self.connection.putheader(name, value)
        self.connection.endheaders()
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()


def asked(name: str, every: bool = False) -> int:
    """The number of requests to the instance for its page, or for anything."""
    metrics = ask(INTERNAL, "internal", f"/{name}/metrics")[2].decode()
    path = '[^"]*' if every else "/"
    return sum(map(int, re.findall(rf'^wordtally_http_requests_total\{{.*path="{path}",.*\}} (\d+)', metrics, re.M)))


def wait(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.05)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


def command(text: str, scratch: pathlib.Path) -> list[str]:
    configuration = scratch / "nginx.conf"
    configuration.write_text(text)
    return ["nginx", "-e", "stderr", "-c", str(configuration)]


@contextlib.contextmanager
def nginx(text: str, scratch: pathlib.Path) -> Iterator[None]:
    """Runs nginx with an empty cache."""
    for cache in ("site", "wordtally"):
        shutil.rmtree(scratch / cache, ignore_errors=True)
    with (scratch / "nginx.log").open("w") as log:
        process = subprocess.Popen(command(text, scratch), stderr=log)
    try:
        wait("nginx", lambda: listens(PLAIN))
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def index(scratch: pathlib.Path, instances: dict[str, str]) -> Iterator[str]:
    """The address of an index of these instances, after its first round."""
    [port] = free_ports(1)
    words = [{"word": WORDS[name], "url": f"/{name}/", "address": instances[name]} for name in WORDS]
    (site := scratch / f"site-{port}.json").write_text(json.dumps({"index": "/", "words": words}))
    flags = ["--site", str(site), "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(["wordtally", "index", *flags], stderr=subprocess.DEVNULL)
    try:
        wait("the index", lambda: listens(port) and ask(port, "index", "/readyz")[0] == 200)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


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
    """Creates a certificate for both names, and the response to a challenge."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    names = ["-subj", "/CN=test", "-addext", f"subjectAltName=DNS:{SITE},DNS:{WORDS_HOST}"]
    files = ["-keyout", str(scratch / "key.pem"), "-out", str(scratch / "certificate.pem")]
    subprocess.run(["openssl", "req", "-x509", *curve, *names, *files], check=True, stderr=subprocess.DEVNULL)
    challenge = scratch / "challenges/.well-known/acme-challenge/tried"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("proof\n")
