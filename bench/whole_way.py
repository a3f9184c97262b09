"""The whole way of a request: TLS, the reverse proxy of the NixOS module, a word's socket; and servers of static files.

nginx gets the configuration that NixOS writes for the mock host, with other ports and paths, one worker and no limits.
"""

import gzip
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from load import Sample, by_h2load, by_wrk
from peers import ROOT, Server, StandIn, fetch, free_port

OUTPUT = '.#nixosConfigurations.mock-prod.config.environment.etc."nginx/nginx.conf".source'
GZIP = "Accept-Encoding: gzip"
CONNECTIONS = 32
# Requests on one connection in a burst from h2load.
STREAMS = 500

STATIC = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/pid;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 15s;
  open_file_cache max=10 inactive=1h;
  default_type text/html;
  charset utf-8;
  client_body_temp_path {folder}/1;
  proxy_temp_path {folder}/2;
  fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4;
  scgi_temp_path {folder}/5;
  {tls}
  server {{
    listen 127.0.0.1:{port} ssl backlog=1024;
    http2 on;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    types {{ }}
    root {root};
    {more}
  }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
https://127.0.0.1:{port} {{
  tls {certificate} {key}
  {more}
}}
"""


def generated() -> str:
    """The configuration that NixOS writes for the mock host."""
    built = ["nix", "build", "--no-link", "--print-out-paths", OUTPUT]
    said = subprocess.run(built, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return Path(said.stdout.split()[-1]).read_text()


def moved(text: str, folder: Path, port: int, word: Path, certificate: Path, key: Path) -> str:
    """The configuration with the paths of this run; one address may send what a thousand addresses usually send."""
    for old, new in [
        # Media types and FastCGI parameters, which no word uses.
        (r"(?m)^\s*include [^;]*;", ""),
        (r"listen \[::0\]:.*", ""),
        (r"listen 0\.0\.0\.0:80 .*", f"listen unix:{folder}/plain.sock;"),
        (r"listen 0\.0\.0\.0:443 ", f"listen 127.0.0.1:{port} backlog=1024 "),
        (r"listen 127\.0\.0\.1:9180 ", f"listen unix:{folder}/internal.sock "),
        (r"ssl_certificate [^;]*", f"ssl_certificate {certificate}"),
        (r"ssl_certificate_key [^;]*", f"ssl_certificate_key {key}"),
        (r"/(var/cache|run)/nginx/", f"{folder}/"),
        (r"unix:/run/wordtally/the\.sock", f"unix:{word}"),
        (r"unix:/run/wordtally/", f"unix:{folder}/"),
        (r"worker_processes \w+", "worker_processes 1"),
        (r"limit_conn wordtally_connections \d+", "limit_conn wordtally_connections 10000"),
        (r"rate=\d+r/s", "rate=1000000r/s"),
        (r"burst=\d+", "burst=1000000"),
    ]:
        text, count = re.subn(old, new, text)
        if not count:
            raise ValueError(f"the configuration has no {old}")
    return text


class Secure(Server):
    """A server that speaks TLS, and the ones behind it, counted with it."""

    scheme, path = "https", "/the/"

    def __init__(
        self, name: str, port: int, command: Sequence[str | Path], folder: Path, behind: Sequence[Server] = ()
    ) -> None:
        # One thread, like all others.
        super().__init__(name, port, command, folder, {"GOMAXPROCS": "1", "HOME": str(folder)})
        self.behind = behind

    def start(self) -> bytes:
        self.launch()
        end = time.monotonic() + 30
        while self.running().poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return b""
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{self.name} did not start: {(self.folder / f'{self.name}.log').read_text()[-2000:]}")

    def pids(self) -> list[int]:
        return super().pids() + [pid for server in self.behind for pid in server.pids()]

    def asked(self, name: str, *fields: str, path: str | None = None) -> "Secure":
        """The same server under another name, with a different request."""
        other = Secure(name, self.port, self.command, self.folder, self.behind)
        other.process, other.path, other.fields = self.process, path or self.path, fields
        return other


class Word(Server):
    """An instance on a Unix socket."""

    def start(self) -> bytes:
        self.launch()
        return fetch(Path(self.command[-1].removeprefix("unix:")))


class Way:
    """Everything that speaks TLS with the same page behind it."""

    def __init__(self, production: Path, nginx: str, configuration: str, standin: StandIn, folder: Path) -> None:
        self.folder, self.nginx, self.configuration = folder, nginx, configuration
        self.certificate, self.key = folder / "certificate.pem", folder / "certificate.key"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
        files = ["-keyout", str(self.key), "-out", str(self.certificate)]
        subprocess.run(
            ["openssl", "req", "-x509", *curve, "-subj", "/CN=localhost", *files], check=True, stderr=subprocess.DEVNULL
        )
        self.key.chmod(0o644)
        self.tls = "\n  ".join(re.findall(r"(?m)^\s*(ssl_(?!certificate)\w+ [^;]*;)", configuration))
        self.word = Word(
            "the word", 0, [production, "serve", "--listen", f"unix:{folder}/the.sock"], folder, standin.env()
        )

    def _nginx(self, name: str, behind: Sequence[Server], text: str, port: int, folder: Path) -> Secure:
        file = folder / "nginx.conf"
        # Started as root, nginx's workers would run as a user who may not enter the folder.
        file.write_text("user root;\n" + text if os.geteuid() == 0 else text)
        return Secure(name, port, [self.nginx, "-e", "stderr", "-c", file], self.folder, behind)

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def reverse_proxy(self) -> Secure:
        port, folder = free_port(), self._folder("reverse-proxy")
        text = moved(self.configuration, folder, port, self.folder / "the.sock", self.certificate, self.key)
        return self._nginx("wordtally behind nginx", [self.word], text, port, folder)

    def static(self) -> Secure:
        port, folder = free_port(), self._folder("static")
        more = "\n    ".join(
            [
                "location = /the/ { try_files /page.html =404; }",
                "location = /gzip/ { gzip on; try_files /page.html =404; }",
                "location = /page.html { gzip_static on; }",
            ]
        )
        text = STATIC.format(
            folder=folder,
            root=self.folder,
            port=port,
            tls=self.tls,
            certificate=self.certificate,
            key=self.key,
            more=more,
        )
        return self._nginx("nginx, a file", [], text, port, folder)

    def caddy(self, name: str, behind: Sequence[Server], *lines: str) -> Secure:
        port, folder = free_port(), self._folder(name.replace(" ", "-").replace(",", ""))
        file = folder / "Caddyfile"
        file.write_text(CADDY.format(port=port, certificate=self.certificate, key=self.key, more="\n  ".join(lines)))
        command: list[str | Path] = ["caddy", "run", "--adapter", "caddyfile", "--config", file]
        return Secure(name, port, command, self.folder, behind)

    @contextmanager
    def running(self) -> Iterator[dict[str, Secure]]:
        """Each kind of request, by its name."""
        page = self.word.start()
        with ExitStack() as stack:
            stack.callback(self.word.stop)
            for name, content in (("page.html", page), ("page.html.gz", gzip.compress(page, 9))):
                (self.folder / name).write_bytes(content)
            servers = [self.static(), self.reverse_proxy()]
            if shutil.which("caddy"):
                file = f"root * {self.folder}"
                servers += [
                    self.caddy("Caddy, a file", [], file, "rewrite * /page.html", "file_server"),
                    self.caddy(
                        "wordtally behind Caddy",
                        [self.word],
                        "rewrite * /",
                        f"reverse_proxy unix/{self.folder}/the.sock",
                    ),
                ]
            for server in servers:
                server.start()
                stack.callback(server.stop)
            static, proxy = servers[:2]
            yield {
                each.name: each
                for each in [
                    *servers,
                    proxy.asked("wordtally behind nginx, never cached", "Accept: text/html;q=0.9"),
                    static.asked("nginx, a file, gzip_static", GZIP, path="/page.html"),
                    static.asked("nginx, a file, gzip on", GZIP, path="/gzip/"),
                    proxy.asked("wordtally behind nginx, gzip", GZIP),
                ]
            }


def measure(way: Way, rounds: int, seconds: int) -> dict[str, list[Sample]]:
    """The samples by kind of request: one burst in each round; a different kind goes first each time."""
    found: dict[str, list[Sample]] = {}
    with way.running() as servers:
        for server in servers.values():
            # Warm-up, so that no round contains the first requests.
            by_wrk(server, CONNECTIONS, 1)
        for number in range(rounds):
            turn = number % len(servers)
            names = list(servers)
            for name in names[turn:] + names[:turn]:
                found.setdefault(name, []).append(by_wrk(servers[name], CONNECTIONS, seconds))
            if shutil.which("h2load"):
                for name in ("nginx, a file", "wordtally behind nginx"):
                    found.setdefault(f"{name}, HTTP/2", []).append(by_h2load(servers[name], CONNECTIONS, STREAMS))
        print(f"the whole way: {rounds} rounds done", flush=True)
    order = [*servers, *(name for name in found if name not in servers)]
    return {name: found[name] for name in order}
