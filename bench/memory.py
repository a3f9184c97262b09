"""Puts the service under pressure in a cgroup with its unit's limit, and measures how much memory it uses.

    bench/memory.py --program result/bin/wordtally --standin target/debug/wordtally

Each scene holds as many connections as the service accepts, and each of them holds as much memory as it can. The
program fails if the kernel kills the service, if a scene holds fewer connections, if the service uses more than three
quarters of the limit, or if it does not return the memory once the connections are closed. Needs root, for the cgroup.
`--write` writes the table to bench/memory.md.
"""

import argparse
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cgroup import MIB, ROOT, Cgroup, shipped_limit
from peers import free_port

# More connections than the service accepts.
ASKED = 600
HOST = b"Host: bench\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
# With this field, a head is nearly as large as allowed.
PADDING = b"X-Padding: " + b"x" * 15_900 + b"\r\n"
ROWS, NAME = 10_000, 64
# The share of the limit that may be used; the rest is a reserve.
SHARE = 0.75
# How much more memory than before any load may remain in use after one.
KEPT = 4 * MIB


@dataclass
class Measured:
    """The memory at one moment, in bytes; `peak` is the maximum of the whole run."""

    scene: str
    connections: int
    resident: int
    sockets: int
    peak: int
    after: int


class Service:
    def __init__(self, program: Path, standin: Path, limit: int, folder: Path, local: bool) -> None:
        self.folder, self.local = folder, local
        upstream, self.port = free_port(), free_port()
        self.cgroup = Cgroup(limit)
        table = folder / "table.csv"
        with table.open("w") as file:
            file.write("word,word_count,corpus,corpus_date\n")
            # Names that become longer when they are escaped.
            names = (f'{row:05d} ""<&> @www.'.ljust(NAME, "x") for row in range(ROWS))
            file.writelines(f'the,{row % 997 + 1},"{name}",1600\n' for row, name in enumerate(names))
        key: list[str | Path] = [
            "--email",
            "a@bench.iam.gserviceaccount.com",
            "--project",
            "bench",
            "--out",
            folder / "key.json",
        ]
        rights = ["--job-user", "bench", "--data-viewer", "bigquery-public-data.samples"]
        address = f"http://127.0.0.1:{upstream}"
        keygen: list[str | Path] = [standin, "standin", "keygen", *key, "--token-uri", f"{address}/token"]
        subprocess.run([*keygen, "--public", folder / "iam.json", *rights], check=True)
        upstream_serve: list[str | Path] = [standin, "standin", "serve", "--listen", address.removeprefix("http://")]
        self.upstream = subprocess.Popen(
            [*upstream_serve, "--iam", folder / "iam.json", "--data", table],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        listen = f"unix:{folder}/socket" if local else f"127.0.0.1:{self.port}"
        self.log = (folder / "log").open("w+")
        serve: list[str | Path] = [program, "serve", "--word", "the", "--credentials", folder / "key.json"]
        self.process = subprocess.Popen(
            # The largest possible answers are fetched and rendered all the time.
            [*serve, "--listen", listen, "--bigquery-endpoint", address, "--ttl", "1s"],
            stderr=self.log,
            preexec_fn=self.cgroup.enter,
        )

    def connect(self) -> socket.socket:
        if self.local:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(20)
            connection.connect(f"{self.folder}/socket")
            return connection
        return socket.create_connection(("127.0.0.1", self.port), 20)

    def wait(self) -> None:
        for _ in range(600):
            try:
                with self.connect() as connection:
                    if page(connection).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                pass
            self.must_run()
            time.sleep(0.1)
        self.log.seek(0)
        sys.exit(f"no page within a minute: {self.log.read()[-2000:]}")

    def must_run(self) -> None:
        code = self.process.poll()
        if code is not None:
            sys.exit(f"the service ended with {code}: {'the kernel ended it, out of memory' if code == -9 else code}")

    def resident(self) -> int:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1]) * 1024

    def close(self) -> None:
        for process in (self.process, self.upstream):
            process.terminate()
            process.wait(30)
        # The kernel releases the last page a moment later.
        time.sleep(0.5)
        self.cgroup.close()


def page(connection: socket.socket, padding: bytes = b"") -> bytes:
    """Requests the page and reads all of it."""
    connection.sendall(GET + padding + b"\r\n")
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            raise ConnectionResetError("closed before the page")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: (\d+)", head, re.M)
    left = int(length[1]) - len(body) if length else 0
    while left > 0:
        left -= len(connection.recv(MIB))
    return head


def idle(connection: socket.socket) -> None:
    page(connection)


def half_a_head(connection: socket.socket) -> None:
    connection.sendall(GET + PADDING)


def after_a_large_head(connection: socket.socket) -> None:
    page(connection, PADDING)


def asks_and_never_reads(connection: socket.socket) -> None:
    connection.setblocking(False)
    try:
        for _ in range(100):
            connection.send(GET + PADDING + b"\r\n")
    except BlockingIOError:
        pass


SCENES: list[tuple[str, Callable[[socket.socket], None]]] = [
    ("idle after a page", idle),
    ("sends half of a large head", half_a_head),
    ("idle after a large head", after_a_large_head),
    ("requests without reading", asks_and_never_reads),
]


def is_open(connection: socket.socket) -> bool:
    """Whether the service has not closed the connection."""
    try:
        connection.setblocking(False)
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def hold(service: Service, scene: str, act: Callable[[socket.socket], None]) -> Measured:
    held: list[socket.socket] = []
    peak = 0
    for _ in range(ASKED):
        try:
            connection = service.connect()
            held.append(connection)
            act(connection)
        except OSError:
            # Refused, because the service has as many as it accepts.
            held.pop().close() if held else None
        peak = max(peak, service.cgroup.used())
    # By then, the connections beyond the limit are closed.
    time.sleep(0.5)
    connections, resident, sockets = sum(map(is_open, held)), 0, 0
    # Two refreshes, while all of them are held.
    for _ in range(300):
        service.must_run()
        if (used := service.cgroup.used()) >= peak:
            peak, resident, sockets = used, service.resident(), service.cgroup.sockets()
        resident = max(resident, service.resident())
        sockets = max(sockets, service.cgroup.sockets())
        time.sleep(0.01)
    for connection in held:
        connection.close()
    # Waits for a refresh without connections.
    time.sleep(3)
    samples = []
    for _ in range(100):
        samples.append(service.resident())
        time.sleep(0.01)
    after = min(samples)
    return Measured(scene, connections, resident, sockets, peak, after)


def most_connections() -> int:
    """The number of connections that the service accepts."""
    found = re.search(r"^ +connections: (\d+),$", (ROOT / "src/server/limits.rs").read_text(), re.M)
    assert found, "src/server/limits.rs has no limit of connections"
    return int(found[1])


@contextmanager
def running(program: Path, standin: Path, limit: int, local: bool) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(program, standin, limit, Path(folder), local)
        try:
            service.wait()
            yield service
        finally:
            service.close()


def table(rows: list[tuple[str, Measured]], limit: str) -> str:
    lines = [
        "# Memory under pressure",
        "",
        f"Written by `bench/memory.py --write` on {datetime.now(UTC):%Y-%m-%d}, on the shipped program in a cgroup with",
        f"`MemoryMax={limit}`. All figures are in MiB. During each scene, answers of {ROWS:,} rows with names of {NAME} characters are",
        "fetched and rendered once a second.",
        "",
        "*Resident* is the process's `VmRSS`. It includes the pages of the program's file, which the cgroup may not count.",
        "*Peak in total* is the maximum of what the cgroup counts against the limit.",
        "",
        "| socket | what each connection does | connections | resident | sockets | peak in total | share of the limit | resident after |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    megabytes = int(limit.removesuffix("M"))
    for kind, row in rows:
        cells = [f"{size / MIB:.1f}" for size in (row.resident, row.sockets, row.peak)]
        share = f"{row.peak / MIB / megabytes:.0%}"
        lines.append(
            f"| {kind} | {row.scene} | {row.connections} | {' | '.join(cells)} | {share} | {row.after / MIB:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the program that ships")
    parser.add_argument("--standin", type=Path, required=True, help="a program that includes the stand-in")
    parser.add_argument(
        "--limit", default=shipped_limit(), help="as for systemd's MemoryMax=; by default that of the module"
    )
    parser.add_argument("--write", action="store_true", help="write bench/memory.md")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    limit = int(arguments.limit.removesuffix("M")) * MIB
    rows: list[tuple[str, Measured]] = []
    faults: list[str] = []
    if os.geteuid() != 0:
        sys.exit("NOT RUN: a cgroup needs root")
    for kind, local in (("TCP", False), ("Unix", True)):
        with running(arguments.program, arguments.standin, limit, local) as service:
            before = service.resident()
            rows.append((kind, hold(service, "none", lambda connection: connection.close())))
            for scene, act in SCENES:
                row = hold(service, scene, act)
                rows.append((kind, row))
                if row.connections < (most := most_connections()):
                    faults.append(f"{kind}, {scene}: {row.connections} connections were held: expected {most}")
                if row.peak > SHARE * limit:
                    faults.append(f"{kind}, {scene}: {row.peak / MIB:.1f} MiB exceed {SHARE:.0%} of {arguments.limit}")
                if row.after > before + KEPT:
                    faults.append(
                        f"{kind}, {scene}: {row.after / MIB:.1f} MiB remained afterwards, compared with {before / MIB:.1f} before"
                    )
    text = table(rows, arguments.limit)
    print(text)
    if arguments.write:
        (ROOT / "bench/memory.md").write_text(text)
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(rows)} scenes within {SHARE:.0%} of {arguments.limit}")


if __name__ == "__main__":
    main()
