#!/usr/bin/env python3
"""Verifies an image in a registry: every byte by digest, its signature, its provenance and its bill of materials."""

import argparse
import tempfile

import provenance
from common import Refused, command, given_commit, insecure, reference, run
from cosign import Key


def whole(image, plain):
    """Takes it in, and so compares each layer with its digest: a registry need not."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(
                "skopeo", "--insecure-policy", "--tmpdir", folder, "copy", "--quiet", "--preserve-digests",
                f"--src-tls-verify={'false' if plain else 'true'}", f"docker://{image}", f"dir:{folder}/image",
            )  # fmt: skip
        except Refused as refusal:
            raise Refused(f"{image} is not there, or not what its digest says: {refusal}") from None


def main():
    parser = argparse.ArgumentParser(prog="verify-image", description=__doc__, allow_abbrev=False)
    parser.add_argument("image", metavar="REGISTRY/REPOSITORY@sha256:…")
    parser.add_argument("--commit", metavar="SHA", type=given_commit, help="commit that it must be of (default: any)")
    parser.add_argument("--key", metavar="FILE", help="public key that must have signed it (default: this flake's)")
    parser.add_argument("--insecure", action="store_true", help="ask a registry on the loopback by plain HTTP")
    given = parser.parse_args()

    repository, digest = reference(given.image)
    plain = insecure(repository, given.insecure)
    key = Key(given.key)
    whole(given.image, plain)
    print(f"image: {digest}")
    key.image(given.image, plain)
    print(f"signature: by {key.name}")

    # One image may come of several commits; each has a provenance of its own.
    refusals, commits = [], []
    for statement in key.attestations(given.image, plain, "slsaprovenance1"):
        try:
            commits.append(provenance.check(statement["predicate"], given.commit))
        except Refused as refusal:
            refusals.append(str(refusal))
    if not commits:
        raise Refused(refusals[0])
    print(f"commit: {', '.join(sorted(set(commits)))}")
    bills = key.attestations(given.image, plain, "cyclonedx")
    print(f"bill of materials: {len(bills[-1]['predicate'].get('components', []))} components")


command(main)
