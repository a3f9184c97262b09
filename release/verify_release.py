#!/usr/bin/env python3
"""Verifies what `attest` wrote: the signature, that each file is what was signed, the commit, and a host's system."""

import argparse

import closure
import provenance
from common import Refused, command, given_commit, parsed, read, sha256
from cosign import Key


def main():
    parser = argparse.ArgumentParser(prog="verify-release", description=__doc__, allow_abbrev=False)
    parser.add_argument("attested", metavar="ATTESTED", help="folder that `attest` made")
    parser.add_argument("--commit", metavar="SHA", type=given_commit, help="commit that it must be of (default: any)")
    parser.add_argument("--key", metavar="FILE", help="public key that must have signed it (default: this flake's)")
    parser.add_argument("--host", metavar="NAME", help="host whose system must be in this machine's store, unaltered")
    given = parser.parse_args()

    key = Key(given.key)
    contents = {name: read(given.attested, name) for name in [*provenance.FILES, "provenance.json", provenance.BUNDLE]}
    # What was signed is in the bundle; nothing else is believed before it is compared with that.
    signed = key.statement(contents[provenance.BUNDLE], provenance.BUNDLE)
    print(f"signature: by {key.name}")
    if signed != contents["provenance.json"]:
        raise Refused("provenance.json is not what was signed")
    statement = parsed(signed, "provenance.json")
    subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}

    def same(name, digest):
        if subjects.get(name) != digest:
            raise Refused(
                f"{name} is not what was signed: its SHA-256 is {digest}, and {subjects.get(name, 'none')} was signed"
            )
        print(f"{name}: sha256:{digest}")

    for name in provenance.FILES:
        same(name, sha256(contents[name]))
    release = parsed(contents["release.json"], "release.json")
    same("image", release["image"].removeprefix("sha256:"))

    revision = provenance.check(statement["predicate"], given.commit)
    print(f"commit: {revision}")

    if given.host:
        if given.host not in release["hosts"]:
            raise Refused(f"the release has no host {given.host}: it has {', '.join(sorted(release['hosts']))}")
        same(f"hosts/{given.host}", closure.digest(release["hosts"][given.host]["system"]))


command(main)
