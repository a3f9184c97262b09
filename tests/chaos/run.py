#!/usr/bin/env python3
"""Random faults under load: clients, an upstream and a log reader misbehave, in a cgroup with the shipped limit.

    tests/chaos/run.py --program result/bin/wordtally --standin target/debug/wordtally

Fails if a response is wrong, a log line reports a panic, the service ends, its memory limit is reached, or its memory
grows. The seed that it prints makes the same choices again; their timing depends on the machine. Needs root, for the
cgroup. `--write` writes the figures to tests/chaos/result.json, for docs/proof.md.
"""

import argparse
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
# For the cgroup of bench/memory.py.
sys.path.insert(0, str(HERE.parent.parent / "bench"))

from cgroup import MIB, Cgroup, shipped_limit  # noqa: E402
from peers import free_port  # noqa: E402
from upstream import HOSTILE, Upstream  # noqa: E402
from versions import WORD, Truth, make  # noqa: E402
from visitors import Visitors  # noqa: E402

TTL, MAX_STALE, TIMEOUT = 2, 10, 4
# How much more memory may remain in use after the last third of the time than after the second.
GROWTH = MIB
# In less time, the thirds are too short to be compared.
LEAST_MINUTES = 5
# Seconds without faults at the end of each third, to measure the memory that remains in use.
REST = 8
# The longest wait between two attempts is a minute.
RECOVERY = 75


@dataclass
class Log:
    """Reads what the service writes, except for periods in which it deliberately does not."""

    pipe: int
    lines: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        rest = b""
        while True:
            while self.stalled.is_set():
                time.sleep(0.1)
            part = os.read(self.pipe, 65536)
            if not part:
                return
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                self.line(line)

    def line(self, line: bytes) -> None:
        self.lines += 1
        try:
            self.levels[json.loads(line)["level"]] += 1
        except (ValueError, KeyError):
            self.bad.append(f"not a log line: {line[:500]!r}")
        if b"panicked" in line:
            self.bad.append(line.decode(errors="replace"))


class Service:
    def __init__(self, program: Path, upstream: Upstream, cgroup: Cgroup, folder: Path) -> None:
        self.port = free_port()
        self.credential = folder / "credential.json"
        self.keys = [key.read_text() for key in upstream.keys]
        self.replace(self.keys[0])
        reader, writer = os.pipe()
        command: list[str | Path] = [program, "serve", "--word", WORD, "--listen", f"127.0.0.1:{self.port}"]
        command += ["--credentials", self.credential, "--bigquery-endpoint", upstream.url, "--log-level", "debug"]
        command += ["--ttl", f"{TTL}s", "--max-stale", f"{MAX_STALE}s", "--timeout", f"{TIMEOUT}s"]
        self.process = subprocess.Popen(command, stderr=writer, preexec_fn=cgroup.enter)
        os.close(writer)
        self.log = Log(reader)
        threading.Thread(target=self.log.read, daemon=True).start()

    def replace(self, text: str) -> None:
        """Replaces the whole file, as a mounted secret is replaced."""
        new = self.credential.with_suffix(".new")
        new.write_text(text)
        new.rename(self.credential)

    def resident(self) -> int:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) * 1024 if found else 0


class Director:
    """Chooses what goes wrong next."""

    def __init__(self, chance: random.Random, service: Service, upstream: Upstream, visitors: Visitors) -> None:
        self.chance, self.service, self.upstream, self.visitors = chance, service, upstream, visitors
        self.done: Counter[str] = Counter()
        self.version = 0

    def act(self) -> None:
        acts = [self.standin_fault, self.standin_fault, self.standin_fault, self.hostile_hop, self.revoke]
        acts += [self.reload, self.renew, self.spoil, self.restart_upstream, self.restart_upstream, self.stall_log]
        act = self.chance.choice(acts)
        self.done[act.__name__.replace("_", " ")] += 1
        act()

    def rage(self, watch: "Watch", until: float) -> None:
        """Storms of faults, and between them calm periods in which the service recovers."""
        turn, storm = time.monotonic(), False
        while time.monotonic() < until and self.service.process.poll() is None:
            watch.sample()
            if time.monotonic() >= turn:
                storm = not storm
                turn = time.monotonic() + self.chance.uniform(2, 12)
                if not storm:
                    self.calm()
            if storm and self.chance.random() < 0.5:
                self.act()
            time.sleep(max(0.0, 1 - (time.monotonic() - watch.begun) % 1))

    def calm(self) -> None:
        self.upstream.heal()
        self.service.log.stalled.clear()
        self.service.replace(self.chance.choice(self.service.keys))

    def standin_fault(self) -> None:
        self.done[f"fault {self.upstream.fault(self.chance)}"] += 1

    def hostile_hop(self) -> None:
        mode = self.chance.choice([*HOSTILE, "reset"])
        self.done[f"hop {mode}"] += 1
        self.upstream.hop.set(mode)

    def revoke(self) -> None:
        self.upstream.admin("POST", "revoke-all")

    def reload(self) -> None:
        self.service.process.send_signal(signal.SIGHUP)

    def renew(self) -> None:
        self.service.replace(self.chance.choice(self.service.keys))
        self.reload()

    def spoil(self) -> None:
        self.service.replace(
            self.chance.choice(["", "{", "[]", '{"type":"x"}', "x" * 70_000, self.service.keys[0][:700]])
        )
        self.reload()

    def restart_upstream(self) -> None:
        self.upstream.kill()
        time.sleep(self.chance.choice([0, 0.5, 3]))
        self.version = (self.version + 1) % len(self.upstream.truth.versions)
        self.upstream.start(self.upstream.truth.versions[self.version])

    def stall_log(self) -> None:
        self.service.log.stalled.set()


@dataclass
class Watch:
    """The memory that the service used, once a second."""

    service: Service
    cgroup: Cgroup
    begun: float = field(default_factory=time.monotonic)
    most: int = 0
    peak: int = 0
    kept: list[int] = field(default_factory=list)

    def sample(self) -> int:
        resident = self.service.resident()
        self.most = max(self.most, resident)
        self.peak = max(self.peak, self.cgroup.used())
        return resident

    def rest(self, visitors: Visitors) -> None:
        """Measures the memory that remains in use without load, while only pages are requested."""
        visitors.calm.set()
        samples = []
        until = time.monotonic() + REST
        while time.monotonic() < until and self.service.process.poll() is None:
            samples.append(self.sample())
            time.sleep(0.1)
        self.kept.append(min(samples, default=0))
        visitors.calm.clear()


def rage(arguments: argparse.Namespace, folder: Path) -> tuple[dict[str, object], list[str]]:
    limit = int(arguments.limit.removesuffix("M")) * MIB
    truth = Truth(make(arguments.seed, 8), TTL, MAX_STALE, TIMEOUT)
    upstream = Upstream(arguments.standin.resolve(), folder, truth)
    upstream.start(truth.versions[0])
    cgroup = Cgroup(limit)
    service = Service(arguments.program.resolve(), upstream, cgroup, folder)
    visitors = Visitors(service.port, truth, arguments.seed)
    director = Director(random.Random(f"{arguments.seed} director"), service, upstream, visitors)
    watch = Watch(service, cgroup)
    faults: list[str] = []
    try:
        if not truth_is_served(visitors, within=60):
            faults.append("no page within a minute of the start")
        visitors.start()
        for third in range(1, 4):
            director.rage(watch, watch.begun + arguments.minutes * 60 * third / 3)
            director.calm()
            watch.rest(visitors)
        visitors.calm.set()
        if not truth_is_served(visitors, since=time.time(), within=RECOVERY):
            faults.append(f"no new page within {RECOVERY} s of the last fault")
        visitors.join()
        code = service.process.poll()
        if code is not None:
            faults.append(f"the service ended with {code}")
        at_limit = cgroup.at_limit()
    finally:
        service.process.terminate()
        service.process.wait(30)
        upstream.kill()
        time.sleep(0.5)
        cgroup.close()
    faults += [f"wrong: {wrong}" for wrong in visitors.wrong[:20]]
    faults += service.log.bad[:20]
    if at_limit:
        faults.append(f"the limit of {arguments.limit} was reached {at_limit} times")
    if arguments.minutes >= LEAST_MINUTES and watch.kept[2] > watch.kept[1] + GROWTH:
        faults.append(f"memory grows: {watch.kept[1] / MIB:.1f}, then {watch.kept[2] / MIB:.1f} MiB")
    if not visitors.count["pages checked"]:
        faults.append("no page was checked")
    figures = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": arguments.seed,
        "minutes": arguments.minutes,
        "limit": arguments.limit,
        "requests": {name: visitors.count[name] for name in sorted(visitors.count)},
        "faults": {name: director.done[name] for name in sorted(director.done)},
        "log_lines": service.log.lines,
        "wrong": len(visitors.wrong),
        "panics": sum("panicked" in line for line in service.log.bad),
        "kept_mib_by_thirds": [round(kept / MIB, 1) for kept in watch.kept],
        "resident_mib_most": round(watch.most / MIB, 1),
        "peak_mib": round(watch.peak / MIB, 1),
        "times_at_limit": at_limit,
    }
    return figures, faults


def truth_is_served(visitors: Visitors, since: float = 0, within: float = 0) -> bool:
    """Whether a page is served whose data was queried after that time."""
    until = time.time() + within
    while True:
        try:
            visitors.checks(random.Random("csv"))
        except Exception:
            pass
        if visitors.truth.newest > since:
            return True
        if time.time() >= until:
            return False
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the program that ships")
    parser.add_argument("--standin", type=Path, required=True, help="a program that includes the stand-in")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument(
        "--limit", default=shipped_limit(), help="as for systemd's MemoryMax=; by default that of the module"
    )
    parser.add_argument("--write", action="store_true", help="write tests/chaos/result.json")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with tempfile.TemporaryDirectory() as folder:
        figures, faults = rage(arguments, Path(folder))
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.write:
        (HERE / "result.json").write_text(text + "\n")
    if faults:
        sys.exit("\n".join(faults))
    print(f"{figures['minutes']} minutes of random faults: nothing wrong")


if __name__ == "__main__":
    main()
