"""Which behaviours are tried, and how each of them and all together end."""

import subprocess
import sys
import time
import traceback


def wanted(behaviours):
    """The names given on the command line, or all."""
    known = {behaviour.__name__ for behaviour in behaviours}
    names = set(sys.argv[1:]) or known
    if names - known:
        sys.exit(f"no such behaviour: {', '.join(sorted(names - known))}; there are: {', '.join(sorted(known))}")
    return names


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


def end(test, results):
    print(f"\n{test}: {sum(results)} passed; {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)
