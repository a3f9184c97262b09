"""The stand-in, and a hop in front of it that treats connections as a bad network or a hostile server would."""

import json
import random
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from peers import free_port
from versions import Truth, Version

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MIB = b" " * (1024 * 1024)
# The responses of a hostile hop to any request.
HOSTILE = {
    "endless chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MIB + b"\r\n"),
    "two gigabytes": (HEAD + b"Content-Length: 2147483648\r\n\r\n", MIB),
    "endless head": (HEAD, b"X-Padding: " + b"x" * 1000 + b"\r\n"),
    "endless list": (HEAD + b"\r\n", b'{"rows":[' + b'{"f":[{"v":1},{"v":2}]},' * 1000),
    "deep": (HEAD + b"\r\n", b"[" * 65536),
    "no HTTP": (b"", b"SSH-2.0-OpenSSH_9.9\r\n"),
    "a byte at a time": (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "nothing": (b"", b""),
}
KINDS: list[dict[str, object]] = [
    {"kind": "latency", "milliseconds": 1500},
    {"kind": "incomplete", "polls": 3},
    {"kind": "status", "code": 500},
    {"kind": "status", "code": 502, "body": "html"},
    {"kind": "status", "code": 503, "retryAfter": 1},
    {"kind": "status", "code": 429, "body": "empty"},
    {"kind": "status", "code": 403, "body": "jsonWithoutErrors"},
    {"kind": "status", "code": 401},
    {"kind": "quota"},
    {"kind": "reset"},
    {"kind": "hang"},
    {"kind": "truncated"},
    {"kind": "malformedJson"},
    {"kind": "emptyObject"},
    {"kind": "errorObject"},
    {"kind": "noExpiry"},
    {"kind": "noRows"},
    {"kind": "noFields"},
    {"kind": "pageRows", "rows": 17},
]


class Hop:
    """A TCP proxy. `mode` says what it does to connections that are opened from now on."""

    def __init__(self, to: int) -> None:
        self.to, self.mode = to, "pass"
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        self.open: set[socket.socket] = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def set(self, mode: str) -> None:
        """A change takes effect at once: kept connections are cut."""
        self.mode = mode
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        mode = self.mode
        self.open.add(connection)
        try:
            with connection:
                if mode == "pass":
                    self.relay(connection)
                elif mode == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    self.harm(connection, *HOSTILE[mode])
        except OSError:
            pass
        finally:
            self.open.discard(connection)

    def harm(self, connection: socket.socket, head: bytes, part: bytes) -> None:
        connection.settimeout(30)
        connection.recv(65536)
        connection.sendall(head)
        begun = time.monotonic()
        while time.monotonic() < begun + 30 and self.mode != "pass":
            connection.sendall(part)
            if len(part) < 100:
                time.sleep(0.2)

    def relay(self, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self.to), 10) as upstream:
            upstream.settimeout(None)
            back = threading.Thread(target=pump, args=[upstream, connection], daemon=True)
            back.start()
            pump(connection, upstream)
            back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while part := source.recv(65536):
            sink.sendall(part)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Upstream:
    """The stand-in behind the hop, which serves one table after the other."""

    def __init__(self, program: Path, folder: Path, truth: Truth) -> None:
        self.program, self.folder, self.truth = program, folder, truth
        self.own = free_port()
        self.hop = Hop(self.own)
        self.url = f"http://127.0.0.1:{self.hop.port}"
        self.keys = [folder / f"key-{name}.json" for name in "ab"]
        self.process: subprocess.Popen[bytes] | None = None
        self.version: Version | None = None
        self.log = (folder / "standin.log").open("w")
        for key in self.keys:
            command: list[str | Path] = [program, "standin", "keygen", "--project", "chaos", "--out", key]
            command += ["--email", f"{key.stem}@chaos.iam.gserviceaccount.com", "--public", key.with_suffix(".iam")]
            command += ["--job-user", "chaos", "--data-viewer", "bigquery-public-data.samples"]
            command += ["--token-uri", f"{self.url}/token"]
            subprocess.run(command, check=True)

    def start(self, version: Version) -> None:
        table = self.folder / "table.csv"
        version.write(table)
        command: list[str | Path] = [self.program, "standin", "serve", "--listen", f"127.0.0.1:{self.own}"]
        command += ["--public-url", self.url, "--data", table, "--admin"]
        for key in self.keys:
            command += ["--iam", key.with_suffix(".iam")]
        self.truth.serving(version)
        self.version = version
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def kill(self) -> None:
        if self.process and self.version:
            self.process.kill()
            self.process.wait()
            self.truth.stopped(self.version)
            self.process = None

    def admin(self, method: str, path: str, body: object = None) -> bool:
        """Whether the stand-in accepted the order; it may be dead."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.own}/standin/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except (OSError, urllib.error.HTTPError):
            return False
        return True

    def fault(self, chance: random.Random) -> str:
        kind = chance.choice(KINDS)
        target = chance.choice(["token", "query", "results", "any"])
        times = chance.choice([1, 2, 5])
        self.admin("POST", "faults", {"target": target, "times": times, **kind})
        return str(kind["kind"])

    def heal(self) -> None:
        self.hop.set("pass")
        self.admin("DELETE", "faults")
