#!/usr/bin/env python3
"""Fuzzes each target for some minutes with cargo-fuzz and the stable compiler.

    fuzz/run.py --minutes 3 [TARGET ...]

Starts from the committed corpus and does not change it: new inputs stay in fuzz/target/found. A crash ends the run; its
input is added to the corpus once the cause is fixed. `--write` writes the figures to fuzz/result.json, for
docs/proof.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULT = HERE / "result.json"
# No target needs the last bit of speed, and each is linked separately.
PROFILE = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "2",
}
# The largest input in bytes, and the memory limit of a target in MB.
LONGEST = {"credentials": 16_384, "upstream": 65_536}
MEMORY = 512


def fuzz(target: str, seconds: int, folder: Path) -> dict[str, int]:
    found = folder / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    # All our code is safe Rust, so a sanitizer would find nothing, and it needs the nightly compiler.
    command: list[str | Path] = [
        "cargo",
        "fuzz",
        "run",
        "--sanitizer",
        "none",
        "--features",
        "libfuzzer",
        "--target-dir",
        folder,
        target,
    ]
    command += [found, HERE / "corpus" / target, "--"]
    command += [f"-max_total_time={seconds}", f"-max_len={LONGEST.get(target, 4096)}"]
    command += [f"-rss_limit_mb={MEMORY}", "-timeout=10", "-print_final_stats=1", "-verbosity=1"]
    run = subprocess.Popen(command, cwd=HERE.parent, env=os.environ | PROFILE, stderr=subprocess.PIPE, text=True)
    assert run.stderr
    lines = []
    for line in run.stderr:
        lines.append(line)
    if run.wait() != 0:
        sys.exit("".join(lines[-60:]) + f"{target}: a crash, a timeout or too much memory; see above")
    text = "".join(lines)

    def last(pattern: str) -> int:
        return int((re.findall(pattern, text) or ["0"])[-1])

    return {
        "runs": last(r"stat::number_of_executed_units:\s+(\d+)"),
        "edges": last(r"cov: (\d+)"),
        "inputs": last(r"corp: (\d+)"),
        "peak_mb": last(r"stat::peak_rss_mb:\s+(\d+)"),
    }


def write(target: str, figures: dict[str, str | float]) -> None:
    """The other targets keep the figures of their last run."""
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    RESULT.write_text(json.dumps(dict(sorted((results | {target: figures}).items())), indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="for each target")
    parser.add_argument("--target-dir", type=Path, default=HERE / "target", help="where cargo builds")
    parser.add_argument("--write", action="store_true", help="write fuzz/result.json")
    parser.add_argument("targets", nargs="*", help="all, if none is named")
    arguments = parser.parse_args()
    every = sorted(file.stem for file in (HERE / "fuzz_targets").glob("*.rs"))
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    for target in arguments.targets or every:
        figures = fuzz(target, int(arguments.minutes * 60), arguments.target_dir.resolve())
        print(target, json.dumps(figures), flush=True)
        if arguments.write:
            write(target, {"date": today, "minutes": arguments.minutes, **figures})


if __name__ == "__main__":
    main()
