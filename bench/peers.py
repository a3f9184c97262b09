"""The servers that are measured, and the stand-in from which two of them get their data."""

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Self

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
TICK = os.sysconf("SC_CLK_TCK")
ACCOUNT = "bench@bench.iam.gserviceaccount.com"
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  open_file_cache max=10 inactive=1h;
  default_type "text/html; charset=utf-8";
  client_body_temp_path {folder}/nginx.1;
  proxy_temp_path {folder}/nginx.2;
  fastcgi_temp_path {folder}/nginx.3;
  uwsgi_temp_path {folder}/nginx.4;
  scgi_temp_path {folder}/nginx.5;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    root {folder};
    types {{ }}
    location = / {{ try_files /page.html =404; }}
  }}
}}
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def page(address: int | Path) -> bytes:
    """The body of the page at a port, or at a socket file."""
    with socket.socket(socket.AF_INET if isinstance(address, int) else socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(("127.0.0.1", address) if isinstance(address, int) else str(address))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        head, _, body = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"not a page: {head[:80]!r}")
    return body


def fetch(address: int | Path, seconds: float = 30) -> bytes:
    """The same, as soon as the server accepts a connection."""
    end = time.monotonic() + seconds
    while True:
        try:
            return page(address)
        except (ConnectionRefusedError, FileNotFoundError):
            if time.monotonic() > end:
                raise
            time.sleep(0.0005)


class Server:
    """A peer, whose processes are measured together with their children."""

    # The request: its address and its header fields.
    scheme, path = "http", "/"
    fields: tuple[str, ...] = ()

    def __init__(
        self, name: str, port: int, command: Sequence[str | Path], folder: Path, env: dict[str, str] | None = None
    ) -> None:
        self.name, self.port, self.folder = name, port, folder
        self.command = [str(part) for part in command]
        self.env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(self.command, env=self.env, stdout=log, stderr=log, start_new_session=True)

    def start(self) -> bytes:
        self.launch()
        return fetch(self.port)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(30)

    def running(self) -> "subprocess.Popen[bytes]":
        assert self.process, f"{self.name} was not started"
        return self.process

    def pids(self) -> list[int]:
        found, queue = [], [self.running().pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").iterdir():
                queue += map(int, (task / "children").read_text().split())
        return found

    def cpu_seconds(self) -> float:
        total = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def settle(self, seconds: float = 30) -> None:
        """Waits until it is idle: app.py works through a queue long after wrk has ended."""
        end, before = time.monotonic() + seconds, self.cpu_seconds()
        while time.monotonic() < end:
            time.sleep(0.2)
            now = self.cpu_seconds()
            if now - before < 0.02:
                return
            before = now
        raise TimeoutError(f"{self.name} is still busy after {seconds} s")

    def rss_mb(self) -> float:
        """Resident memory as the kernel counts it, with shared pages counted in every process."""
        status = [Path(f"/proc/{pid}/status").read_text() for pid in self.pids()]
        return sum(int(size) for text in status for size in re.findall(r"VmRSS:\s+(\d+)", text)) / 1000

    def cold_start(self, times: int) -> float:
        """Milliseconds from the start of the process to the last byte of a whole page."""
        taken = []
        for _ in range(times):
            begun = time.monotonic()
            self.start()
            taken.append((time.monotonic() - begun) * 1000)
            self.stop()
        return statistics.median(taken)


class StandIn:
    """The stand-in for BigQuery, with one service account that may read its table: the shipped one, or another."""

    def __init__(self, binary: Path, folder: Path, data: Path | None = None) -> None:
        self.binary, self.folder, self.port, self.data = binary, folder, free_port(), data
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = folder / "key.json"

    def __enter__(self) -> Self:
        public, grants = self.folder / "public.json", self.folder / "grants.json"
        subprocess.run(
            [
                self.binary,
                "standin",
                "keygen",
                "--email",
                ACCOUNT,
                "--project",
                "bench",
                "--token-uri",
                f"{self.url}/token",
                "--out",
                self.key,
                "--public",
                public,
            ],
            check=True,
        )
        member = [f"serviceAccount:{ACCOUNT}"]
        grants.write_text(
            json.dumps(
                {
                    "projects": {"bench": {"roles/bigquery.jobUser": member}},
                    "datasets": {"bigquery-public-data.samples": {"roles/bigquery.dataViewer": member}},
                    "metadata": {"email": ACCOUNT, "project": "bench"},
                }
            )
        )
        with open(self.folder / "standin.log", "wb") as log:
            self.process = subprocess.Popen(
                [
                    self.binary,
                    "standin",
                    "serve",
                    "--listen",
                    f"127.0.0.1:{self.port}",
                    "--admin",
                    "--iam",
                    public,
                    "--iam",
                    grants,
                    "--state",
                    self.folder / "state",
                    *(["--data", str(self.data)] if self.data else []),
                ],
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + 30
        while True:
            try:
                self.jobs()
                return self
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)

    def env(self) -> dict[str, str]:
        """The environment variables that an instance needs for it."""
        return {
            "WORD": "the",
            "BIGQUERY_ENDPOINT": self.url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.key),
            "GOOGLE_CLOUD_PROJECT": "bench",
        }

    def jobs(self) -> int:
        """The number of jobs so far, as the stand-in counts them."""
        with urllib.request.urlopen(f"{self.url}/standin/counters", timeout=10) as answer:
            created: int = json.load(answer)["jobsCreated"]
            return created


class Peers:
    """All servers, each with its own port and, except for the two applications, with the same page."""

    def __init__(self, production: Path, hyper: Path, nginx: str, standin: StandIn, folder: Path) -> None:
        self.folder, self.nginx_program = folder, nginx
        self.env = standin.env()
        self.production, self.hyper = production, hyper
        self.wordtally = self.serve()
        self.page = folder / "page.html"
        self.page.write_bytes(self.wordtally.start())
        self.wordtally.stop()
        self.plain = self.plain_hyper("plain hyper")
        self.flushing = self.plain_hyper("plain hyper, pipeline_flush", "--pipeline-flush")
        self.nginx = self._nginx()
        self.app = self._app()

    def serve(self, *flags: str, prefix: Sequence[str] = ()) -> Server:
        port = free_port()
        command: list[str | Path] = [*prefix, self.production, "serve", "--listen", f"127.0.0.1:{port}", *flags]
        return Server("wordtally", port, command, self.folder, self.env)

    def plain_hyper(self, name: str, *flags: str, prefix: Sequence[str] = ()) -> Server:
        port = free_port()
        command: list[str | Path] = [*prefix, self.hyper, f"127.0.0.1:{port}", self.page, *flags]
        return Server(name, port, command, self.folder)

    def _nginx(self) -> Server:
        port, conf = free_port(), self.folder / "nginx.conf"
        conf.write_text(NGINX.format(folder=self.folder, port=port))
        return Server("nginx", port, [self.nginx_program, "-e", "stderr", "-c", conf], self.folder)

    def _app(self) -> Server:
        port = free_port()
        gunicorn = ROOT / ".cache/bench/bin/gunicorn"
        command: list[str | Path] = [
            gunicorn,
            "--workers",
            "2",
            "--threads",
            "4",
            "--chdir",
            BENCH,
            "--bind",
            f"127.0.0.1:{port}",
            "app:app",
        ]
        return Server("app.py", port, command, self.folder, self.env)
