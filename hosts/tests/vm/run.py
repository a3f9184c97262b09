#!/usr/bin/env python3
"""Boots mock production and tries it from outside, one behaviour after another.

run.py [BEHAVIOUR…]   without names: all of them. `nix run .#vm-test` gives it the machine.
"""

import os
import time

from behaviours import changes, container, crowd, deployments, serving, state
from client import answers
from deployer import Deployer
from given import SSH_PORT, WORDS
from machine import Machine, wait
from outcome import attempt, end, wanted

# Each machine with what is tried on it, in this order: the state that all of it has left comes last.
MACHINES = {
    "VM_TEST_MACHINE": serving.BEHAVIOURS
    + container.BEHAVIOURS
    + changes.BEHAVIOURS
    + deployments.BEHAVIOURS
    + state.BEHAVIOURS,
    "VM_TEST_CROWD": crowd.BEHAVIOURS,
}


def main():
    names = wanted([behaviour for group in MACHINES.values() for behaviour in group])
    results = []
    for variable, group in MACHINES.items():
        chosen = [behaviour for behaviour in group if behaviour.__name__ in names]
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
    end("vm-test", results)


main()
