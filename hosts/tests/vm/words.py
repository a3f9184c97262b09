"""The words as seen on the machine: units, readiness, metrics."""

from given import WORDS
from machine import Machine, wait

UNITS = [f"wordtally-{name}.service" for name in WORDS]
INDEX = "wordtally-index.service"
INTERNAL = "curl -sS -m 20 http://127.0.0.1:9180"


def ready(machine: Machine, name: str = "the") -> str:
    return machine.run(f"{INTERNAL}/{name}/readyz", check=False)


def all_ready(machine: Machine) -> None:
    for name in WORDS:
        wait(f"{name} to be ready", lambda: ready(machine, name) == "ready\n")


def started(machine: Machine) -> list[str]:
    """The start time of each unit's process, which changes with a restart."""
    return machine.run(f"systemctl show -p ExecMainStartTimestampMonotonic --value {' '.join(UNITS)}").split()


def version(machine: Machine) -> str:
    metrics = machine.run(f"{INTERNAL}/the/metrics")
    return next(line for line in metrics.splitlines() if line.startswith("wordtally_build_info"))
