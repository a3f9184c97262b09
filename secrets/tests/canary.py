#!/usr/bin/env python3
"""Searches for the bytes of a mock environment's secrets where there may be none.

    canary.py ENVIRONMENT PATH...

A PATH is a file or a folder: store paths of a closure, an image's archive, a dump of the journal, a dump of argv. Needs
age, bash and openssl, and zstd for a file that is compressed with it. The secrets are passed only through pipes.
"""

import base64
import bz2
import json
import lzma
import mmap
import os
import pathlib
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator

SECRETS = pathlib.Path(__file__).resolve().parents[2] / "secrets"


def body(pem: str) -> tuple[list[str], bytes]:
    """A key's lines that are long enough to be unique, and its bytes."""
    lines = [line.strip() for line in pem.strip().splitlines() if not line.startswith("-----")]
    return [line for line in lines if len(line) >= 32], base64.b64decode("".join(lines))


def needles(environment: str) -> dict[str, bytes]:
    """The bytes that must not be found, by a name that may be printed."""
    identity = subprocess.run(["bash", SECRETS / "mock-identity", environment], check=True, capture_output=True).stdout
    lines, der = body(identity.decode())
    found = {"the identity's line": lines[0].encode(), "the identity's bytes": der[-32:]}
    for file in sorted((SECRETS / environment).glob("*.age")):
        plain = subprocess.run(
            ["age", "--decrypt", "--identity", "-", file], input=identity, check=True, capture_output=True
        ).stdout.decode()
        pem = json.loads(plain)["private_key"] if file.name.endswith(".json.age") else plain
        lines, der = body(pem)
        for number, line in enumerate(lines, 1):
            found[f"line {number} of {file.name}'s private key"] = line.encode()
        # The end of the key, because all keys of a kind begin with the same bytes.
        found[f"the bytes of {file.name}'s private key"] = der[-48:]
    return found


def unpacked(content: bytes | mmap.mmap) -> Iterator[bytes | mmap.mmap]:
    """A file's own bytes and, if it is compressed, those of its content."""
    yield content
    packings: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
        (b"\x1f\x8b", lambda data: zlib.decompressobj(31).decompress(data)),
        (b"BZh", bz2.decompress),
        (b"\xfd7zXZ\x00", lzma.decompress),
        (
            b"\x28\xb5\x2f\xfd",
            lambda data: subprocess.run(["zstd", "-dc"], input=data, check=True, capture_output=True).stdout,
        ),
    )
    for magic, open_ in packings:
        if content[: len(magic)] == magic:
            try:
                inner = open_(bytes(content))
            except (zlib.error, OSError, EOFError, lzma.LZMAError, subprocess.CalledProcessError):
                return  # It only begins like a compressed file.
            yield from unpacked(inner)


def regular_files(path: pathlib.Path) -> Iterator[pathlib.Path]:
    if path.is_file() and not path.is_dir():
        yield path
    for folder, _, names in os.walk(path):
        for name in names:
            file = pathlib.Path(folder, name)
            # The target of a link is searched at its own path.
            if file.is_file() and not file.is_symlink():
                yield file


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit("canary: give dev or mock-prod, then the files and folders to search")
    wanted = needles(sys.argv[1])
    files = size = 0
    hits = []
    for name in sys.argv[2:]:
        path = pathlib.Path(name)
        if not path.exists():
            sys.exit(f"canary: {path} does not exist")
        for file in regular_files(path):
            files += 1
            length = file.stat().st_size
            size += length
            if length == 0:
                continue
            with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                for part in unpacked(content):
                    hits += [f"{file} has {what}" for what, bytes_ in wanted.items() if part.find(bytes_) >= 0]
    for hit in hits:
        print(f"canary: {hit}", file=sys.stderr)
    if not files:
        sys.exit("canary: there was no file to search")
    if hits:
        sys.exit(1)
    print(f"{len(wanted)} pieces of {sys.argv[1]}'s secrets are in none of {files} files, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
