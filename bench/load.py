"""Bursts of requests by wrk."""

import re
import subprocess
import time
from pathlib import Path
from typing import TypedDict

from peers import Server

# Connections, and requests that each sends at once.
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
    """Requests per second, the server's CPU microseconds per request, how many were answered and how many failed."""

    rate: float
    cpu: float
    done: int
    failed: int


def burst(server: Server, load: str, seconds: int, folder: Path) -> Sample:
    connections, depth = LOADS[load]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    if depth > 1:
        script = folder / "pipeline.lua"
        script.write_text(PIPELINE)
        command += ["-s", str(script)]
    command.append(f"http://127.0.0.1:{server.port}/")
    before = server.cpu_seconds()
    begun = time.monotonic()
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    took = time.monotonic() - begun
    cpu = server.cpu_seconds() - before
    answered = re.search(r"(\d+) requests in", said)
    done = int(answered[1]) if answered else 0
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = int(refused[1]) if refused else 0
    failed += sum(map(int, broken.groups())) if broken else 0
    if not done:
        raise RuntimeError(f"{server.name} answered nothing under {load}: {said}")
    return {"rate": done / took, "cpu": cpu / done * 1e6, "done": done, "failed": failed}
