"""Bursts of requests from wrk, and from h2load for HTTP/2."""

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from peers import Server

# The number of connections, and of requests that each sends at once.
LOADS = {"c=1": (1, 1), "c=32": (32, 1), "c=256": (256, 1), "pipelined": (32, 16)}
PIPELINE = """
init = function(args)
  local all = {}
  for i = 1, 16 do all[i] = wrk.format("GET", "/") end
  batch = table.concat(all)
end
request = function() return batch end
"""


class Sample(TypedDict):
    """Requests per second, the server's CPU microseconds per request, and the numbers of served and failed requests."""

    rate: float
    cpu: float
    done: int
    failed: int


def burst(server: Server, load: str, seconds: int, folder: Path) -> Sample:
    connections, depth = LOADS[load]
    return by_wrk(server, connections, seconds, pipeline(folder) if depth > 1 else [])


def pipeline(folder: Path) -> list[str]:
    script = folder / "pipeline.lua"
    script.write_text(PIPELINE)
    return ["-s", str(script)]


def by_wrk(server: Server, connections: int, seconds: int, more: Sequence[str] = ()) -> Sample:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", *more]
    for field in server.fields:
        command += ["-H", field]
    command.append(f"{server.scheme}://127.0.0.1:{server.port}{server.path}")
    said, cpu, took = timed(server, command)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = int(refused[1]) if refused else 0
    failed += sum(map(int, broken.groups())) if broken else 0
    return sample(server, said, r"(\d+) requests in", failed, cpu, took)


def by_h2load(server: Server, connections: int, requests: int) -> Sample:
    """HTTP/2, one stream at a time per connection. Stays below the 1,000 requests after which nginx ends a connection."""
    command = ["h2load", "-t1", f"-c{connections}", f"-n{requests * connections}"]
    for field in server.fields:
        command += ["-H", field]
    command.append(f"https://127.0.0.1:{server.port}{server.path}")
    said, cpu, took = timed(server, command)
    failed = requests * connections - int((re.search(r"status codes: (\d+) 2xx", said) or ["", "0"])[1])
    return sample(server, said, r"(\d+) succeeded", failed, cpu, took)


def timed(server: Server, command: Sequence[str]) -> tuple[str, float, float]:
    """Its output, the server's CPU seconds, and its duration in seconds."""
    before, begun = server.cpu_seconds(), time.monotonic()
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    took = time.monotonic() - begun
    return said, server.cpu_seconds() - before, took


def sample(server: Server, said: str, answered: str, failed: int, cpu: float, took: float) -> Sample:
    found = re.search(answered, said)
    done = int(found[1]) if found else 0
    if not done:
        raise RuntimeError(f"{server.name} answered nothing: {said}")
    return {"rate": done / took, "cpu": cpu / done * 1e6, "done": done, "failed": failed}
