#!/usr/bin/env python3
"""Compares every age file's header with its list of recipients. Needs no private key.

    check_recipients.py RULES.json FOLDER

RULES.json is secrets.nix as JSON. In a header, an SSH recipient has a tag of its public key, which is compared. A native
recipient (`age1…`) has nothing of its key, so recipients of that kind are only counted.
"""

import base64
import binascii
import collections
import hashlib
import json
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import NotRequired, TypedDict

INTRO = b"age-encryption.org/v1"
ARMOR_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
ARMOR_END = b"-----END AGE ENCRYPTED FILE-----"
NATIVE = "X25519"
SSH = ("ssh-ed25519", "ssh-rsa")
# Files in the folder that are not secrets.
PLAIN = {"secrets.nix", "keys.nix", "mock-identity"}


# A kind, and the key's tag if there is one.
Recipient = tuple[str, str | None]


class Rule(TypedDict):
    """A file's entry in secrets.nix."""

    publicKeys: list[str]
    armor: NotRequired[bool]


class Refused(Exception):
    """One sentence about one file."""


def recipient(public_key: str) -> Recipient:
    """The recipient in the header of a file for this key."""
    if re.fullmatch(r"age1[02-9ac-hj-np-z]{58}", public_key):
        return (NATIVE, None)
    kind, _, rest = public_key.strip().partition(" ")
    if kind in SSH and rest.split():
        try:
            wire = base64.b64decode(rest.split()[0], validate=True)
        except binascii.Error:
            raise Refused(f"'{public_key[:40]}…' is not an SSH public key: its second word is not base64") from None
        name = kind.encode()
        if not wire.startswith(len(name).to_bytes(4, "big") + name):
            raise Refused(f"'{public_key[:40]}…' is not an SSH public key: it does not encode a key of the type {kind}")
        return (kind, base64.b64encode(hashlib.sha256(wire).digest()[:4]).decode().rstrip("="))
    raise Refused(f"'{public_key[:40]}' is not a key that age encrypts to: give an ssh-ed25519, ssh-rsa or age1… key")


def unarmored(content: bytes) -> tuple[bytes, bool]:
    """The binary form, and whether the file was armored."""
    if not content.startswith(ARMOR_BEGIN):
        return content, False
    lines = content.strip().splitlines()
    if lines[-1] != ARMOR_END:
        raise Refused("begins as an armored age file but does not end as one: it is truncated")
    try:
        return base64.b64decode(b"".join(lines[1:-1]), validate=True), True
    except binascii.Error:
        raise Refused("is armored, but its content is not base64") from None


def header(content: bytes) -> list[Recipient]:
    """The recipients of an age file, as (kind, tag)."""
    lines = content.split(b"\n")
    if lines[0] != INTRO:
        raise Refused(
            f"is not encrypted: an age file begins with '{INTRO.decode()}'; remove it from git and from its history"
        )
    found: list[Recipient] = []
    for line in lines[1:]:
        words = line.split(b" ")
        if words[0] == b"---":
            if len(words) != 2 or not content.partition(b"\n" + line + b"\n")[2]:
                break
            return found
        if words[0] == b"->" and len(words) > 1:
            try:
                kind, *arguments = [word.decode("ascii") for word in words[1:]]
            except UnicodeDecodeError:
                break
            if kind.endswith("-grease"):  # Filler that decrypts nothing; it tests that parsers ignore unknown kinds.
                continue
            found.append((kind, arguments[0] if kind in SSH and arguments else None))
        elif not re.fullmatch(rb"[A-Za-z0-9+/]{0,64}", line):
            break
    raise Refused("has a broken age header: encrypt it again with `nix run .#secrets-edit`")


def named(item: Recipient) -> str:
    kind, tag = item
    return f"{kind} (tag {tag})" if tag else kind


def compare(content: bytes, rule: Rule) -> Iterator[str]:
    """Every fault of one file."""
    content, armored = unarmored(content)
    actual = collections.Counter(header(content))
    keys = {}
    wanted = collections.Counter[Recipient]()
    for key in rule["publicKeys"]:
        wanted[recipient(key)] += 1
        keys[recipient(key)] = " ".join(key.split()[:2])
    if not wanted:
        yield "has an empty list of recipients in secrets.nix: nobody could decrypt it"
    if armored != rule.get("armor", False):
        yield f"is {'' if armored else 'not '}armored, but secrets.nix says the opposite: set `armor` there, or rekey"
    for item, count in sorted((wanted - actual).items(), key=str):
        who = f"{count} more {NATIVE} recipients" if item[0] == NATIVE else keys[item]
        yield f"is not encrypted to {who}, which secrets.nix lists: run `nix run .#secrets-rekey`"
    for item, count in sorted((actual - wanted).items(), key=str):
        yield f"is encrypted to {named(item)}, which secrets.nix does not list ({count} too many): rekey, and change the secret itself if that key is not yours"


def faults(rules: dict[str, Rule], folder: pathlib.Path) -> Iterator[str]:
    """Every fault of a folder of secrets, as sentences."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if not path.is_dir()}
    for name in sorted(files.keys() - rules.keys() - PLAIN):
        yield f"{name} is not listed in secrets.nix: list its recipients, or remove it from this folder"
    for name, rule in sorted(rules.items()):
        if name not in files:
            yield f"{name} is listed in secrets.nix but does not exist: create it with `nix run .#secrets-edit -- {name}`, or remove it from the list"
            continue
        try:
            for fault in compare(files[name].read_bytes(), rule):
                yield f"{name} {fault}"
        except Refused as refused:
            yield f"{name} {refused}" if refused.args[0][0] != "'" else f"{name}: {refused}"


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("check_recipients: give the rules as JSON and the folder of the secrets")
    rules: dict[str, Rule] = json.loads(pathlib.Path(sys.argv[1]).read_text())
    if not rules:
        sys.exit("check_recipients: secrets.nix lists no file")
    found = list(faults(rules, pathlib.Path(sys.argv[2])))
    for fault in found:
        print(f"secrets/{fault}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"{len(rules)} encrypted files, each for the recipients that secrets.nix lists")


if __name__ == "__main__":
    main()
