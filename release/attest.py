#!/usr/bin/env python3
"""Vouches for a release: writes its provenance, signed, and signs the image in the registry where one is named."""

import argparse
import os
import pathlib

import provenance
from common import Refused, command, commit, insecure, parsed, read, reference, run
from cosign import Key, Signer


def sign_image(signer, key, image, plain, statement, sbom):
    """What is there is not made again: a second run of the same job adds nothing."""
    try:
        key.image(image, plain)
        print("the image has this key's signature already")
    except Refused:
        signer.image(image, plain)
        print(f"signed {image}")
    predicate = parsed(statement, "provenance.json")["predicate"]
    revision = predicate["buildDefinition"]["externalParameters"]["commit"]
    try:
        known = [
            provenance.check(statement["predicate"], None)
            for statement in key.attestations(image, plain, "slsaprovenance1")
        ]
    except Refused:
        known = []
    if revision not in known:
        signer.attach(image, plain, "slsaprovenance1", provenance.dumped(predicate))
        print("attached its provenance")
    try:
        known = [s["predicate"] for s in key.attestations(image, plain, "cyclonedx")]
    except Refused:
        known = []
    if parsed(sbom, "sbom.cdx.json") not in known:
        signer.attach(image, plain, "cyclonedx", sbom)
        print("attached its bill of materials")


def main():
    parser = argparse.ArgumentParser(prog="attest", description=__doc__, allow_abbrev=False)
    parser.add_argument("release", metavar="RELEASE", help="folder that `nix build .#release` made")
    parser.add_argument("output", metavar="OUTPUT", type=pathlib.Path, help="folder to make")
    parser.add_argument(
        "--image", metavar="REGISTRY/REPOSITORY[@sha256:…]", help="where `publish` put the image: sign it there, too"
    )
    parser.add_argument("--insecure", action="store_true", help="ask a registry on the loopback by plain HTTP")
    given = parser.parse_args()

    contents = {name: read(given.release, name) for name in provenance.FILES}
    release = parsed(contents["release.json"], "release.json")
    if given.output.exists():
        raise Refused(f"{given.output} is there already: name a folder to make")
    # Paths that the caller gave are the caller's; the rest is the clone's.
    output = given.output.absolute()
    signer = Signer()
    os.chdir(run("git", "rev-parse", "--show-toplevel").decode().strip())
    revision = commit(release["revision"])
    if given.image:
        if "@" not in given.image:
            given.image = f"{given.image}@{release['image']}"
        repository, digest = reference(given.image)
        plain = insecure(repository, given.insecure)
        if digest != release["image"]:
            raise Refused(f"{given.image} is not this release's image, which is {release['image']}")

    statement = provenance.statement(release, contents, revision)
    bundle = signer.bundle(statement)
    key = Key("the key itself", signer.public_key())
    if given.image:
        sign_image(signer, key, given.image, plain, statement, contents["sbom.cdx.json"])

    output.mkdir(parents=True)
    for name, content in {**contents, "provenance.json": statement, provenance.BUNDLE: bundle}.items():
        (output / name).write_bytes(content)
    print(f"{given.output}: release {release['version']} of commit {revision}, signed")


command(main)
