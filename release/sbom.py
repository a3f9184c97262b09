#!/usr/bin/env python3
"""Writes the bill of materials, CycloneDX 1.6, to standard output.

    sbom.py ATTRIBUTES --crates FOLDER --package PATH --created TIME

ATTRIBUTES is the builder's JSON with the closure of the package and the image; FOLDER has cargo's trees and the lock
file. The same input gives the same bytes. A bill that the schema refuses is not written.
"""

import argparse
import datetime
import json
import pathlib
import re
import sys
import tomllib
import uuid
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

Crate = tuple[str, str]
# A crate's licence and repository, as cargo names them.
Crates = dict[Crate, tuple[str, str]]
Edges = dict[Crate, set[Crate]]
# A store path, as in Nix's database.
Path = dict[str, Any]

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://gitlab.com/wordtally/wordtally")
LINE = re.compile(r"(\d+) (\S+) v(\S+?)(?: \([^)]*\))*\|([^|]*)\|(\S*)(?: \(\*\))?")
DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"
NAME = re.compile(r"(.+?)(?:-([0-9][^-]*(?:-[^-]*)*))?")


def tree(file: pathlib.Path) -> tuple[Crates, Edges]:
    """The crates of one of cargo's trees, with their dependencies."""
    crates: Crates = {}
    edges: Edges = {}
    path: list[Crate] = []
    for line in file.read_text().splitlines():
        match = LINE.fullmatch(line)
        if not match:
            sys.exit(f"{file.name}: unexpected line from cargo: {line!r}")
        depth, name, version, licence, repository = match.groups()
        crate = (name, version)
        crates[crate] = (licence, repository)
        edges.setdefault(crate, set())
        del path[int(depth) :]
        if path:
            edges[path[-1]].add(crate)
        path.append(crate)
    return crates, edges


def hexadecimal(narhash: str) -> HashType:
    """Nix writes SHA-256 with its own digits of 5 bits each, the last one first."""
    algorithm, digits = narhash.split(":")
    number = 0
    for digit in digits:
        number = number * 32 + DIGITS.index(digit)
    return HashType(alg=HashAlgorithm.SHA_256, content=number.to_bytes(32, "little").hex())


def crate_component(
    crate: Crate, licence: str, repository: str, linked: bool, checksums: dict[Crate, str]
) -> Component:
    name, version = crate
    # Cargo's older form of OR.
    licences = [LicenseFactory().make_from_string(re.sub(r"\s*/\s*", " OR ", licence))] if licence else []
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=f"pkg:cargo/{name}@{version}",
        purl=PackageURL("cargo", None, name, version),
        licenses=licences,
        scope=ComponentScope.REQUIRED if linked else ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksums[crate])],
        external_references=[ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(repository))]
        if repository
        else [],
    )


def path_component(entry: Path) -> Component:
    digest, _, name = pathlib.PurePath(entry["path"]).name.partition("-")
    match = NAME.fullmatch(name)
    if not match:
        sys.exit(f"{entry['path']} is not a store path")
    name, version = match.groups()
    return Component(
        type=ComponentType.FILE,
        name=name,
        version=version,
        bom_ref=entry["path"],
        purl=PackageURL("nix", None, name, version, {"storehash": digest}),
        hashes=[hexadecimal(entry["narHash"])],
        properties=[Property(name="nix:storePath", value=entry["path"])],
    )


def bill(arguments: argparse.Namespace) -> str:
    closure: list[Path] = json.loads(arguments.attributes.read_text())["closure"]
    crates, edges = tree(arguments.crates / "normal")
    linked, _ = tree(arguments.crates / "normal,no-proc-macro")
    lock = tomllib.loads((arguments.crates / "Cargo.lock").read_text())
    checksums = {(p["name"], p["version"]): p["checksum"] for p in lock["package"] if "checksum" in p}

    program = next(iter(crates))
    root = Component(
        type=ComponentType.APPLICATION,
        name=program[0],
        version=program[1],
        bom_ref=f"pkg:cargo/{program[0]}@{program[1]}",
        purl=PackageURL("cargo", None, *program),
        licenses=[LicenseFactory().make_from_string(crates[program][0])],
        properties=[Property(name="nix:storePath", value=arguments.package)],
    )
    components = {program: root}
    for crate, (licence, repository) in crates.items():
        if crate != program:
            components[crate] = crate_component(crate, licence, repository, crate in linked, checksums)
    others = [line.split() for line in (arguments.crates / "others").read_text().splitlines()]
    for name, version in others:
        purl = PackageURL("generic", None, name, version)
        components[(name, version)] = Component(
            type=ComponentType.LIBRARY, name=name, version=version, bom_ref=str(purl), purl=purl
        )
        edges[program].add((name, version))
    paths = {entry["path"]: path_component(entry) for entry in closure}

    bom = Bom(components=[c for c in [*components.values(), *paths.values()] if c is not root])
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.datetime.fromisoformat(arguments.created)
    for crate, needs in edges.items():
        bom.register_dependency(components[crate], [components[need] for need in needs])
    for entry in closure:
        dependencies = [paths[need] for need in entry["references"] if need != entry["path"]]
        bom.register_dependency(paths[entry["path"]], dependencies)
    # Each of these contains the program: they are the forms in which it is shipped.
    bom.register_dependency(root, paths.values())
    # Derived from the content, so that two builds of one release have the same serial number.
    bom.serial_number = NAMESPACE
    bom.serial_number = uuid.uuid5(NAMESPACE, JsonV1Dot6(bom).output_as_string())
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the bill of materials, CycloneDX 1.6, to standard output")
    parser.add_argument("attributes", type=pathlib.Path)
    parser.add_argument("--crates", type=pathlib.Path, required=True)
    parser.add_argument("--package", required=True)
    parser.add_argument("--created", required=True)
    text = bill(parser.parse_args())
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if faults:
        sys.exit(f"the bill of materials is not CycloneDX 1.6: {faults}")
    print(text)


main()
