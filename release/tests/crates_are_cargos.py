#!/usr/bin/env python3
"""Compares a bill of materials with cargo's list of the shipped program's crates, made here, outside Nix.

crates_are_cargos.py SBOM
"""

import json
import pathlib
import subprocess
import sys

tree = subprocess.run(
    ["cargo", "tree", "--offline", "--locked", "-p", "wordtally", "--no-default-features", "--features", "jemalloc"]
    + ["-e", "normal", "--prefix", "none", "--format", "{p}"],
    cwd=pathlib.Path(__file__).parents[2], check=True, capture_output=True, text=True,
).stdout  # fmt: skip
# The first line is the program itself.
cargos = {tuple(line.split()[:2]) for line in tree.splitlines()[1:] if line}
bill = json.loads(pathlib.Path(sys.argv[1]).read_text())
bills = {(c["name"], f"v{c['version']}") for c in bill["components"] if c.get("purl", "").startswith("pkg:cargo/")}
for crate in sorted(cargos ^ bills):
    print(f"{' '.join(crate)} is only {'cargo' if crate in cargos else 'the bill'}'s", file=sys.stderr)
if cargos != bills or not cargos:
    sys.exit(1)
print(f"the bill of materials has cargo's {len(cargos)} crates")
