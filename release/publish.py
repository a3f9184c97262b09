#!/usr/bin/env python3
"""Pushes a release's image to a registry, by digest. Prints the image's name by digest as its last line."""

import argparse

from common import Refused, command, commit, insecure, parsed, read, run


def main():
    parser = argparse.ArgumentParser(prog="publish", description=__doc__, allow_abbrev=False)
    parser.add_argument("release", metavar="RELEASE", help="folder that `nix build .#release` made")
    parser.add_argument("repository", metavar="REGISTRY/REPOSITORY", help="such as registry.example.com/wordtally")
    parser.add_argument("--insecure", action="store_true", help="ask a registry on the loopback by plain HTTP")
    given = parser.parse_args()

    registry, _, name = given.repository.partition("/")
    if not registry or not name or ":" in name or "@" in name:
        raise Refused(f"{given.repository} is no repository: give REGISTRY/REPOSITORY, with neither tag nor digest")
    plain = insecure(given.repository, given.insecure)
    release = parsed(read(given.release, "release.json"), "release.json")
    # A pointer for people; everything here goes by the digest.
    tag = f"{release['version']}-{commit(release['revision'])[:12]}"

    image = f"{given.repository}@{release['image']}"
    for destination in [image, f"{given.repository}:{tag}"]:
        run(
            "skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests",
            f"--dest-tls-verify={'false' if plain else 'true'}",
            f"oci:{given.release}/image", f"docker://{destination}",
        )  # fmt: skip
    print(f"tag: {given.repository}:{tag}")
    print(image)


command(main)
