"""A cgroup with a memory limit, and the limit of the shipped unit."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024


def shipped_limit() -> str:
    """The module's `memoryMax`, which the unit and the manifests also have."""
    options = (ROOT / "nix/modules/instance-options.nix").read_text()
    found = re.search(r'memoryMax = option "memoryMax" "(\d+M)"', options)
    assert found, "the module has no memoryMax"
    return found[1]


class Cgroup:
    """A cgroup of version 2 or 1. Version 1 counts the memory of TCP sockets separately; it is added here."""

    def __init__(self, limit: int) -> None:
        root = Path("/sys/fs/cgroup")
        controllers = root / "cgroup.controllers"
        self.v2 = controllers.exists() and "memory" in controllers.read_text()
        self.path = (root if self.v2 else root / "memory") / f"wordtally-{os.getpid()}"
        self.path.mkdir()
        self.write("memory.max" if self.v2 else "memory.limit_in_bytes", limit)
        if self.v2:
            self.write("memory.swap.max", 0)
        else:
            self.write("memory.kmem.tcp.limit_in_bytes", limit)

    def write(self, name: str, value: int) -> None:
        (self.path / name).write_text(str(value))

    def read(self, name: str) -> int:
        return int((self.path / name).read_text())

    def enter(self) -> None:
        self.write("cgroup.procs", os.getpid())

    def sockets(self) -> int:
        if not self.v2:
            return self.read("memory.kmem.tcp.usage_in_bytes")
        return self.count("memory.stat", "sock")

    def used(self) -> int:
        return self.read("memory.current") if self.v2 else self.read("memory.usage_in_bytes") + self.sockets()

    def at_limit(self) -> int:
        """How often the limit was reached."""
        if self.v2:
            return self.count("memory.events", "max")
        return self.read("memory.failcnt") + self.read("memory.kmem.tcp.failcnt")

    def count(self, file: str, name: str) -> int:
        found = re.search(rf"^{name} (\d+)$", (self.path / file).read_text(), re.M)
        return int(found[1]) if found else 0

    def close(self) -> None:
        self.path.rmdir()
