#!/usr/bin/env python3
"""A stand-in for Nix on a runner with an empty store: it has the flake's outputs, and a store without any path. Each call
gets its own home. $JOBS_NOTES is the folder of the test."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

notes = Path(os.environ["JOBS_NOTES"])
arguments = sys.argv[1:]
with (notes / "calls").open("a") as file:
    file.write(json.dumps([os.environ["CI_JOB_NAME"], os.getcwd(), *arguments]) + "\n")
home = tempfile.mkdtemp(prefix="home-", dir=notes)
os.environ |= {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache", "GIT_CONFIG_GLOBAL": "/dev/null"}

match arguments:
    case ["build", *_, "--out-link", "built", ".#subjects"]:
        os.symlink(notes / "subjects", "built")
    case ["build", *_, "--no-link", ".#release"]:
        pass
    case ["run", ".#keep", "--", built, folder]:
        shutil.copytree(built, folder)
    case ["run", ".#push-cache", "--", _]:
        pass
    case ["run", ".#with-tools", "--", program, *rest]:
        os.execv(program, [program, *rest])
    case ["run", ".#deploy", "--", *rest]:
        key = Path("release/cosign.pub").absolute()
        os.environ.setdefault("COSIGN_PUBLIC_KEY", str(key))
        os.execv(os.environ["JOBS_DEPLOY"], ["deploy", *rest])
    case _:
        sys.exit(f"nix: no stand-in for {arguments}")
