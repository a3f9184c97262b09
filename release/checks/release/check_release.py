#!/usr/bin/env python3
"""Compares a release with its package.

check_release.py RELEASE PACKAGE HOST...
"""

import hashlib
import json
import pathlib
import re
import sys
import tarfile

# Only the stand-in has these.
STANDIN = {"axum", "bigquery-standin", "rusqlite", "libsqlite3-sys", "sqlparser", "rsa", "tempfile"}
# The path of a crate's source, which the program's messages still contain; that of the standard library differs.
SOURCE = re.compile(rb"-vendor-cargo-deps/[0-9a-f]{64}/([A-Za-z0-9_-]+?)-([0-9]+\.[0-9]+\.[0-9][A-Za-z0-9.+-]*)/")

release, package, hosts = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
binary = (package / "bin/wordtally").read_bytes()
faults = 0


def check(what: str, good: bool, seen: object) -> None:
    global faults
    print(f"{'ok  ' if good else 'FAIL'} {what}: {seen}")
    faults += not good


def blob(digest: str) -> bytes:
    content = (release / "image/blobs" / digest.replace(":", "/")).read_bytes()
    check("a blob's content matches its digest", f"sha256:{hashlib.sha256(content).hexdigest()}" == digest, digest)
    return content


named = json.loads((release / "release.json").read_text())
check("release.json names the package", named["package"] == str(package), named["package"])
check("release.json names all hosts", sorted(named["hosts"]) == sorted(hosts), sorted(named["hosts"]))
(entry,) = json.loads((release / "image/index.json").read_text())["manifests"]
check("release.json names the image", named["image"] == entry["digest"], named["image"])
check("release.json is sorted", list(named) == sorted(named), list(named))

check("release.json has the time of the commit", isinstance(named["commitTime"], int), named["commitTime"])
roots = {"package": named["package"]} | {f"hosts/{name}": host["system"] for name, host in named["hosts"].items()}
for subject, root in roots.items():
    lines = (release / "closures" / subject).read_text().splitlines()
    members = [line.split()[0] for line in lines]
    check(f"the closure of {subject} has its root", root in members, len(lines))
    check(f"the closure of {subject} is sorted, each path once", lines == sorted({*lines}), len({*members}))
    check(f"the closure of {subject} has the package", str(package) in members, str(package))

found = []
for layer in json.loads(blob(entry["digest"]))["layers"]:
    blob(layer["digest"])
    with tarfile.open(release / "image/blobs" / layer["digest"].replace(":", "/")) as tar:
        for file in tar:
            if file.isfile() and file.name.endswith("bin/wordtally"):
                content = tar.extractfile(file)
                assert content
                found.append(content.read())
digests = [hashlib.sha256(content).hexdigest() for content in found]
check("the image's binary is the package's", digests == [hashlib.sha256(binary).hexdigest()], digests)

bill = json.loads((release / "sbom.cdx.json").read_text())
crates = {(c["name"], c["version"]): c for c in bill["components"] if c.get("purl", "").startswith("pkg:cargo/")}
linked = {crate for crate, c in crates.items() if c["scope"] == "required"}
named_in_binary = {(name.decode(), version.decode()) for name, version in SOURCE.findall(binary)}
check("the binary names its crates", len(named_in_binary) > 30, len(named_in_binary))
check("the bill of materials has each of them, as linked", named_in_binary <= linked, sorted(named_in_binary - linked))
check("no crate of the stand-in is", not STANDIN & {name for name, _ in crates}, len(crates))
check("each crate has a checksum", all(c["hashes"] for c in crates.values()), len(crates))
licensed = [crate for crate, c in crates.items() if not c.get("licenses")]
check("each crate has a licence", not licensed, licensed)
paths = {c["bom-ref"] for c in bill["components"] if c["type"] == "file"}
check("the bill of materials has the package", str(package) in paths, sorted(paths))
references = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
graph = {d["ref"]: d.get("dependsOn", []) for d in bill["dependencies"]}
check("the graph has each component", set(graph) == references, len(graph))
reached, ahead = set[str](), [bill["metadata"]["component"]["bom-ref"]]
while ahead:
    reference = ahead.pop()
    if reference not in reached:
        reached.add(reference)
        ahead += graph[reference]
check("the program leads to all of them", reached == references, sorted(references - reached))
if faults:
    sys.exit(f"the release has {faults} fault(s), see FAIL above")
