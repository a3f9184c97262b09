#!/usr/bin/env python3
"""Measures wordtally and its peers in one interleaved run, and writes bench/results.md and bench/results.svg.

    python3 -m venv .cache/bench && .cache/bench/bin/pip install -r bench/requirements.txt
    .cache/bench/bin/python bench/run.py

Needs cargo, wrk, openssl, and nginx 1.27.4 or newer; see bench/README.md for the rest.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import instructions
import report
import scaling
import whole_way
from load import LOADS, Sample, burst
from peers import ROOT, Peers, Server, StandIn

# For counting jobs: many TTLs in a short time.
SHORT_TTL, SHORT_TTLS = 2, 10


def build(program: Path | None) -> tuple[Path, Path, Path]:
    """Builds the shipped program, one with the stand-in, and plain hyper, linked as the flake links the first."""
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    said = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    [host] = re.findall(r"^host: (.+)$", said, re.M)
    cargo = ["cargo", "build", "--release", "--locked", "--target", host]
    flags = os.environ | {"RUSTFLAGS": "-C target-feature=+crt-static"}
    subprocess.run([*cargo, "-p", "plain-hyper"], cwd=ROOT, env=flags, check=True)
    if not program:
        shipped = ["--no-default-features", "--features", "jemalloc"]
        subprocess.run([*cargo, "-p", "wordtally", *shipped], cwd=ROOT, env=flags, check=True)
        program = folder / "wordtally-production"
        shutil.copy(folder / host / "release/wordtally", program)
    subprocess.run([*cargo, "-p", "wordtally"], cwd=ROOT, env=flags, check=True)
    return program, folder / host / "release/wordtally", folder / host / "release/plain-hyper"


def jobs_per_ttl(peers: Peers, standin: StandIn) -> float:
    """Jobs that one instance causes in each TTL under load; the first job is not counted."""
    server = peers.serve("--ttl", f"{SHORT_TTL}s")
    server.start()
    try:
        before = standin.jobs()
        burst(server, "c=32", SHORT_TTL * SHORT_TTLS, peers.folder)
        return (standin.jobs() - before) / SHORT_TTLS
    finally:
        server.stop()


def rounds(options: argparse.Namespace, peers: Peers, standin: StandIn) -> report.Rounds:
    """Every load for every server, once in each round; a different server goes first each time."""
    servers = [peers.wordtally, peers.plain, peers.flushing, peers.nginx, peers.app]
    samples: dict[str, dict[str, list[Sample]]] = {server.name: {load: [] for load in LOADS} for server in servers}
    jobs = {server.name: 0 for server in servers}
    for server in servers:
        server.start()
    try:
        idle = {server.name: server.rss_mb() for server in servers}
        for number in range(options.rounds):
            turn = number % len(servers)
            for load in LOADS:
                for server in servers[turn:] + servers[:turn]:
                    if not takes(server, load, peers):
                        continue
                    before = standin.jobs()
                    samples[server.name][load].append(burst(server, load, options.seconds, peers.folder))
                    server.settle()
                    jobs[server.name] += standin.jobs() - before
            print(f"round {number + 1} of {options.rounds} done", flush=True)
        loaded = {server.name: server.rss_mb() for server in servers}
    finally:
        for server in servers:
            server.stop()
    return {"samples": samples, "jobs": jobs, "idle": idle, "loaded": loaded}


def takes(server: Server, load: str, peers: Peers) -> bool:
    """gunicorn's threads close a connection that has two requests; without such requests, the flag changes nothing."""
    if server is peers.app:
        return load != "pipelined"
    return server is not peers.flushing or load == "pipelined"


def measure(options: argparse.Namespace, folder: Path) -> report.Measured:
    begun = time.monotonic()
    configuration = options.reverse_proxy.read_text() if options.reverse_proxy else whole_way.generated()
    production, demo, hyper = build(options.program)
    with StandIn(demo, folder) as standin:
        peers = Peers(production, hyper, options.nginx, standin, folder)
        (secure := folder / "tls").mkdir(mode=0o711)
        way = whole_way.Way(production, options.nginx, configuration, standin, secure)
        cold = {peer.name: peer.cold_start(11) for peer in (peers.wordtally, peers.plain, peers.nginx)}
        cold[peers.app.name] = peers.app.cold_start(3)
        few = max(1, options.rounds // 2)
        return {
            **rounds(options, peers, standin),
            "cold": cold,
            "whole_way": whole_way.measure(way, options.rounds, options.seconds),
            "connections": scaling.connections(peers, way, few, options.seconds),
            "bodies": scaling.bodies(production, demo, way, folder, few, options.seconds),
            "words": scaling.words(production, standin, folder),
            "jobs_per_ttl": jobs_per_ttl(peers, standin),
            "instructions": instructions.per_request(peers) if options.instructions else {},
            "page": peers.page.stat().st_size,
            "binary": production.stat().st_size,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "took": time.monotonic() - begun,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds of each load (default 7)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of each load (default 1)")
    parser.add_argument(
        "--program", type=Path, help="program to measure, such as the flake's package (default: build it)"
    )
    parser.add_argument(
        "--reverse-proxy", type=Path, help="a host's nginx.conf (default: Nix writes that of the mock host)"
    )
    parser.add_argument("--nginx", default="nginx", help="nginx's program, 1.27.4 or newer (default: nginx)")
    parser.add_argument("--instructions", action="store_true", help="also count instructions with callgrind")
    options = parser.parse_args()
    # In memory if possible, like the reverse proxy's cache on a host.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        # nginx, started as root, reads the page as another user; the key has its own mode.
        Path(folder).chmod(0o711)
        measured = measure(options, Path(folder))
    report.write(measured)


if __name__ == "__main__":
    main()
