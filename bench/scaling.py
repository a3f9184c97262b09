"""How the figures change with the number of connections, the size of a page, and the number of words on one host."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from load import Sample, by_wrk
from peers import Peers, Server, StandIn, page
from whole_way import Way

CONNECTIONS = [1, 10, 100, 1000]
# The number of corpora, and the bytes of each name, for pages from about 12 kB to 1 MB of HTML.
CORPORA = {40: 12, 300: 100, 1000: 200, 2000: 400}
WORDS = [1, 10, 100, 200, 500, 1000]
BODY_CONNECTIONS = 32

Samples = dict[str, dict[int, list[Sample]]]


class Crowd(TypedDict):
    """A number of processes: the seconds until the last was ready, and the MB of all together."""

    words: int
    seconds: float
    cpu: float
    pss: float
    rss: float


def turns(servers: Sequence[Server], sizes: Sequence[int], rounds: int, seconds: int, found: Samples) -> None:
    for number in range(rounds):
        turn = number % len(servers)
        for size in sizes:
            for server in [*servers[turn:], *servers[:turn]]:
                # A thousand handshakes take more than a second.
                taken = by_wrk(server, size, max(seconds, size // 250))
                found.setdefault(server.name, {}).setdefault(size, []).append(taken)


def connections(peers: Peers, way: Way, rounds: int, seconds: int) -> Samples:
    found: Samples = {}
    alone = [peers.wordtally, peers.nginx]
    for server in alone:
        server.start()
    try:
        with way.running() as secure:
            servers = [*alone, secure["nginx, a file"], secure["wordtally behind nginx"]]
            turns(servers, CONNECTIONS, rounds, seconds, found)
    finally:
        for server in alone:
            server.stop()
    print("connections: done", flush=True)
    return found


def bodies(production: Path, demo: Path, way: Way, folder: Path, rounds: int, seconds: int) -> dict[int, Samples]:
    """By the size of the page in bytes."""
    found: dict[int, Samples] = {}
    for corpora, length in CORPORA.items():
        place = folder / f"corpora-{corpora}"
        place.mkdir(mode=0o711)
        data = place / "data.tsv"
        data.write_text("".join(f"#{number:0{length}}\t1600\nthe\t{number + 1}\n" for number in range(corpora)))
        with StandIn(demo, place, data) as standin:
            sized = Way(production, way.nginx, way.configuration, standin, place)
            with sized.running() as secure:
                samples: Samples = {}
                servers = [secure["nginx, a file"], secure["wordtally behind nginx"]]
                turns(servers, [BODY_CONNECTIONS], rounds, seconds, samples)
                found[(place / "page.html").stat().st_size] = samples
    print("bodies: done", flush=True)
    return found


def crowd(production: Path, standin: StandIn, folder: Path, words: int) -> Crowd:
    """Starts this number of instances at once, each with its own word, and waits for a page of each."""
    sockets = [folder / f"{words}-{number}.sock" for number in range(words)]
    env = standin.env()
    servers = [
        Server(
            "crowd", 0, [production, "serve", "--listen", f"unix:{path}"], folder, env | {"WORD": f"word {path.stem}"}
        )
        for path in sockets
    ]
    begun = time.monotonic()
    try:
        for server in servers:
            server.launch()
        for path in sockets:
            until_ready(path, begun + 300)
        took = time.monotonic() - begun
        pids = [pid for server in servers for pid in server.pids()]
        shared = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
        return {
            "words": words,
            "seconds": took,
            # Nanoseconds, because most have used less than one tick.
            "cpu": sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9,
            "pss": total(shared, "Pss"),
            "rss": total(shared, "Rss"),
        }
    finally:
        for server in servers:
            server.running().terminate()
        for server in servers:
            server.running().wait(60)


def total(files: Sequence[str], what: str) -> float:
    return sum(int(size) for text in files for size in re.findall(rf"(?m)^{what}:\s+(\d+) kB", text)) / 1000


def until_ready(path: Path, end: float) -> None:
    while True:
        try:
            page(path)
            return
        except (OSError, ValueError):
            if time.monotonic() > end:
                raise
            time.sleep(0.005)


def words(production: Path, standin: StandIn, folder: Path) -> list[Crowd]:
    found = []
    for count in WORDS:
        found.append(crowd(production, standin, folder, count))
        print(f"{count} words: done", flush=True)
    return found
