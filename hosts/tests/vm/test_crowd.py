"""As many words as one host is expected to serve."""

import pytest
from client import answers
from machine import Machine, wait

pytestmark = pytest.mark.parametrize("machine", ["VM_TEST_CROWD"], indirect=True)


def test_two_hundred_words_start_on_one_host(machine: Machine) -> None:
    names = [f"word-{number}" for number in range(1, 201)]
    running = "systemctl list-units 'wordtally-word-*.service' --state=active --plain --no-legend | wc -l"
    wait("200 units", lambda: int(machine.run(running)) == 200, patience=900, pause=10)
    first, last = machine.run(
        "systemctl show -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic --value"
        " 'wordtally-word-*.service' | grep -v '^$' | sort -n | sed -n '1p;$p'"
    ).split()
    memory = machine.run("systemctl show -p MemoryCurrent --value 'wordtally-word-*.service' | grep -v '^$'").split()
    print(f"# 200 units ready in {(int(last) - int(first)) / 1e6:.1f} s (emulated)")
    print(
        f"# memory of one: {sum(map(int, memory)) / len(memory) / 2**20:.1f} MiB, of all: {sum(map(int, memory)) / 2**20:.0f} MiB"
    )
    assert len(memory) == 200
    # A word whose first refresh failed under this load recovers by itself.
    for name in names[::40]:
        wait(f"/{name}/", lambda: answers(f"/{name}/"), pause=10)
