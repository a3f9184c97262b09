#!/usr/bin/env python3
"""Reads the image's OCI layout, and compares it with the image's inputs.

check_image.py FIRST SECOND --binary FILE --certificates FILE --created TIME --revision REVISION --version VERSION

FIRST and SECOND are two runs of the image's stream (Docker's archives). Needs skopeo, which makes the layouts.
"""

import argparse
import datetime
import hashlib
import json
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BINARY = "bin/wordtally"
CERTIFICATES = "etc/ssl/certs/ca-bundle.crt"
LABEL = "org.opencontainers.image."
# The allowed size besides the binary: certificates, and the archives' own blocks.
EXTRA = 300_000
# The store's time, and the time that builds give to their files.
TIMES = {1, 315_532_800}

# Each entry with its content, and the unpacked size of all.
Layer = tuple[list[tuple[tarfile.TarInfo, bytes]], int]

faults = 0


def check(what: str, good: bool, seen: object) -> None:
    global faults
    print(f"{'ok  ' if good else 'FAIL'} {what}: {seen}")
    faults += not good


def equal(what: str, seen: object, expected: object) -> None:
    check(what, seen == expected, seen if seen == expected else f"{seen!r}, expected {expected!r}")


def extracted(tar: tarfile.TarFile, entry: tarfile.TarInfo | str) -> bytes:
    content = tar.extractfile(entry)
    assert content, f"{entry} is not a file"
    return content.read()


class Layout:
    """An OCI image layout with one image."""

    def __init__(self, archive: Path, folder: Path) -> None:
        command = ["skopeo", "--insecure-policy", "--tmpdir", str(folder.parent), "copy", "--quiet"]
        subprocess.run([*command, f"docker-archive:{archive}", f"oci:{folder}:image"], check=True)
        self.folder = folder
        (index,) = json.loads((folder / "index.json").read_bytes())["manifests"]
        self.digest: str = index["digest"]
        self.manifest: dict[str, Any] = json.loads(self.blob(self.digest).read_bytes())
        self.image: dict[str, Any] = json.loads(self.blob(self.manifest["config"]["digest"]).read_bytes())

    def blob(self, digest: str) -> Path:
        """A blob's file, whose content must match its digest."""
        algorithm, digits = digest.split(":")
        path = self.folder / "blobs" / algorithm / digits
        if hashlib.new(algorithm, path.read_bytes()).hexdigest() != digits:
            sys.exit(f"{path}: the digest of its content differs from its name")
        return path

    def layers(self) -> Iterator[Layer]:
        """Each layer as a list of its entries with their content, and the layer's unpacked size."""
        for layer in self.manifest["layers"]:
            with tarfile.open(self.blob(layer["digest"])) as tar:
                entries = [(entry, extracted(tar, entry) if entry.isfile() else b"") for entry in tar]
                assert tar.fileobj
                # To the end of the file, after the last entry.
                while tar.fileobj.read(2**20):
                    pass
                yield entries, tar.fileobj.tell()


def digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path(entry: tarfile.TarInfo) -> str:
    return entry.name.removeprefix("./").lstrip("/")


def check_config(image: dict[str, Any], arguments: argparse.Namespace) -> None:
    config = image["config"]
    equal("user is numeric and not root", config.get("User"), "65532:65532")
    equal("entry point", config.get("Entrypoint"), ["/bin/wordtally"])
    equal("command", config.get("Cmd"), ["serve"])
    equal("port", config.get("ExposedPorts"), {"8080/tcp": {}})
    equal("system", image["os"], "linux")
    environment = config.get("Env", [])
    expected = ["LISTEN=0.0.0.0:8080", f"SSL_CERT_FILE=/{CERTIFICATES}", *arguments.environment]
    equal("environment", sorted(environment), sorted(expected))

    labels = config.get("Labels", {})
    for name in ["title", "description", "licenses", "source"]:
        check(f"label {name}", bool(labels.get(LABEL + name)), labels.get(LABEL + name))
    equal("label version", labels.get(LABEL + "version"), arguments.version)
    equal("label revision", labels.get(LABEL + "revision"), arguments.revision)
    label = labels.get(LABEL + "created", "")
    equal("label created", label, arguments.created)
    rfc3339 = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", label)
    check("label created is RFC 3339", bool(rfc3339), label)
    instants = [datetime.datetime.fromisoformat(time) for time in [label, image["created"]]]
    check("the image was created at that time, too", instants[0] == instants[1], image["created"])


def check_healthcheck(archive: Path) -> None:
    """Docker's own field, which an OCI layout does not have."""
    with tarfile.open(archive) as tar:
        (manifest,) = json.loads(extracted(tar, "manifest.json"))
        config = json.loads(extracted(tar, manifest["Config"]))["config"]
    test = config.get("Healthcheck", {}).get("Test", [])
    check("Docker's health check", test[:3] == ["CMD", "/bin/wordtally", "probe"], " ".join(test))


def check_files(layers: list[Layer], arguments: argparse.Namespace) -> None:
    entries = [entry for layer, _ in layers for entry, _ in layer]
    files = {path(entry): content for layer, _ in layers for entry, content in layer if entry.isfile()}
    links = {path(entry): entry.linkname for entry in entries if entry.issym()}

    def content(name: str) -> bytes | None:
        """Follows a path that is a link, as a kernel would."""
        return files.get(links.get(name, name).lstrip("/"))

    binary = Path(arguments.binary).read_bytes()
    certificates = Path(arguments.certificates).read_bytes()
    check(f"/{BINARY} is the package's binary", content(BINARY) == binary, f"{len(binary)} bytes")
    good = content(CERTIFICATES) == certificates and certificates.count(b"BEGIN CERTIFICATE") > 50
    check(f"/{CERTIFICATES} is the bundle", good, f"{len(certificates)} bytes")

    others = sorted(name for name, bytes in files.items() if bytes not in (binary, certificates))
    equal("no further file, and so no shell", others, [])
    executables = [entry.name for entry in entries if entry.isfile() and entry.mode & 0o111]
    equal("executables", len(executables), 1)
    check(
        "the one executable is wordtally", all(f"/{name}".endswith("/" + BINARY) for name in executables), executables
    )
    kinds = sorted(entry.name for entry in entries if not (entry.isfile() or entry.isdir() or entry.issym()))
    equal("no devices, pipes or hard links", kinds, [])
    special = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
    equal("no setuid, setgid or sticky bit", sorted(entry.name for entry in entries if entry.mode & special), [])
    writable = [entry.name for entry in entries if not entry.issym() and entry.mode & 0o022]
    equal("nothing is writable by others", writable, [])
    equal("root owns everything", sorted({(entry.uid, entry.gid) for entry in entries}), [(0, 0)])
    capabilities = [entry.name for entry in entries if any("capability" in name for name in entry.pax_headers)]
    equal("no file capabilities", capabilities, [])
    # A layer is the same in every release that does not change its content.
    equal("every file's time is a constant", sorted({entry.mtime for entry in entries} - TIMES), [])

    unpacked = sum(size for _, size in layers)
    extra = unpacked - len(binary)
    check(
        f"size beyond the binary is at most {EXTRA} bytes", 0 < extra <= EXTRA, f"{unpacked} - {len(binary)} = {extra}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    for name in ["binary", "certificates", "created", "revision", "version"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--environment", action="append", default=[], help="a variable that the builder adds")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        first = Layout(arguments.first, Path(folder) / "first")
        second = Layout(arguments.second, Path(folder) / "second")
        equal("the second layout's digest is the first's", second.digest, first.digest)
        equal("the second stream's digest is the first's", digest(arguments.second), digest(arguments.first))
        check_config(first.image, arguments)
        check_healthcheck(arguments.first)
        check_files(list(first.layers()), arguments)
    if faults:
        sys.exit(f"the image has {faults} fault(s), see FAIL above")


main()
