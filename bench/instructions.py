"""User-space instructions per request, counted by callgrind: they are reproducible, unlike times on a shared machine."""

import re
import signal
import socket
from pathlib import Path

from peers import Peers, Server

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
FEW, MANY = 1_000, 11_000


def ask(port: int, times: int, page: int) -> None:
    """Sends one request after the other on one connection."""
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        for _ in range(times):
            sock.sendall(REQUEST)
            answer = b""
            while (end := answer.find(b"\r\n\r\n")) < 0 or len(answer) < end + 4 + page:
                part = sock.recv(65536)
                if not part:
                    raise RuntimeError(f"cut off after {answer[:80]!r}")
                answer += part
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"not a page: {answer[:80]!r}")


def total(server: Server, times: int, page: int, folder: Path) -> int:
    """Instructions of a whole run that serves this number of requests."""
    said = folder / f"{server.name}.log"
    skip = said.stat().st_size if said.exists() else 0
    server.start()
    ask(server.port, times, page)
    server.running().send_signal(signal.SIGTERM)
    server.running().wait(60)
    collected = re.search(r"Collected : (\d+)", said.read_text()[skip:])
    assert collected, said
    return int(collected[1])


def per_request(peers: Peers) -> dict[str, float]:
    """The cost of 10,000 additional requests, so that the start and the end cancel out."""
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    page = peers.page.stat().st_size
    found = {}
    for server in (peers.serve(prefix=callgrind), peers.plain_hyper("plain hyper", prefix=callgrind)):
        few = total(server, FEW, page, peers.folder)
        many = total(server, MANY, page, peers.folder)
        found[server.name] = (many - few) / (MANY - FEW)
    return found
