#!/usr/bin/env python3
"""Boots mock production and tries it from outside, one behaviour after another.

run.py [BEHAVIOUR…]   without names: all of them. `nix run .#vm-test` gives it the machine.
"""

import os
import subprocess
import sys
import time
import traceback

from behaviours import changes, container, crowd, deployments, serving, state
from deployer import Deployer
from given import SSH_PORT, WORDS
from machine import Machine, wait
from visitor import answers

# Each machine with what is tried on it, in this order: the state that all of it has left comes last.
MACHINES = {
    "VM_TEST_MACHINE": serving.BEHAVIOURS
    + container.BEHAVIOURS
    + changes.BEHAVIOURS
    + deployments.BEHAVIOURS
    + state.BEHAVIOURS,
    "VM_TEST_CROWD": crowd.BEHAVIOURS,
}


def attempt(behaviour, machine):
    begun = time.monotonic()
    try:
        behaviour(machine)
        word = "ok"
    except (AssertionError, OSError, subprocess.SubprocessError, ValueError, StopIteration):
        traceback.print_exc(file=sys.stdout)
        word = "FAILED"
    print(f"{behaviour.__name__} ... {word} ({time.monotonic() - begun:.0f} s)", flush=True)
    return word == "ok"


def main():
    known = {behaviour.__name__ for group in MACHINES.values() for behaviour in group}
    wanted = set(sys.argv[1:]) or known
    if wanted - known:
        sys.exit(f"no such behaviour: {', '.join(sorted(wanted - known))}; there are: {', '.join(sorted(known))}")
    results = []
    for variable, group in MACHINES.items():
        chosen = [behaviour for behaviour in group if behaviour.__name__ in wanted]
        if not chosen:
            continue
        begun = time.monotonic()
        with Machine(os.environ[variable], SSH_PORT) as machine:
            machine.boot()
            machine.deployer = Deployer(machine)
            for name in WORDS:
                wait(f"/{name}/", lambda name=name: answers(f"/{name}/"))
            print(f"# {len(WORDS)} words answer {time.monotonic() - begun:.0f} s after the start", flush=True)
            results += [attempt(behaviour, machine) for behaviour in chosen]
    print(f"\nvm-test: {sum(results)} passed; {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


main()
