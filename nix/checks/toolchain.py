"""Lists the compilers and C libraries that build derivations, except for the recorded ones.

toolchain.py RECORDED SHIPPED, each a list of .drv files, separated by spaces.
"""

import re
import sys
from pathlib import Path

INPUT = re.compile(r'\("(/[^"]+\.drv)",\[')
# By the derivation's name: a cross compiler's begins with its target.
COMPILER = re.compile(
    r"(^|-)(gcc|xgcc|clang|llvm|rustc|go|ghc|tcc|zig|ldc|gfortran|binutils|glibc|musl|uclibc(-ng)?|newlib|dietlibc)"
    r"(-nolib[cgx]+)?(-unwrapped|-wrapper)?-[0-9]"
)
SOURCE = re.compile(r"\.(tar\.\w+|tgz|zip|patch|diff)$|^(cargo-(src|package)|crate)-")


def graph(roots: str) -> set[str]:
    """The derivations with everything that builds them."""
    ahead, seen = roots.split(), set[str]()
    while ahead:
        path = ahead.pop()
        if path not in seen:
            seen.add(path)
            ahead += INPUT.findall(Path(path).read_text(encoding="utf-8", errors="replace"))
    return seen


def name(path: str) -> str:
    return Path(path).name.split("-", 1)[1].removesuffix(".drv")


recorded, shipped = map(graph, sys.argv[1:])
names = sorted(map(name, shipped - recorded))
found = [n for n in names if COMPILER.search(n) and not SOURCE.search(n)]
print(
    f"{len(shipped)} derivations, {len(names)} of them not the recorded toolchain's; compilers and C libraries: {found}"
)
if found:
    sys.exit(
        "they would be compiled on every machine whose cache does not have them: remove them, or record them with a reason in toolchain.nix"
    )
