"""The base images, for a machine that reaches no image registry: Debian's packages and this machine's own Rust, under
the names that Containerfile and compose.yaml use. One root file system has what both need."""

import re
import subprocess
from pathlib import Path

from engine import ROOT, Engine, run

PACKAGES = ["ca-certificates", "gcc", "libc6-dev", "make", "nginx-light"]


def names() -> list[str]:
    """The images that are pulled: those that the files name and do not build."""
    found = re.findall(r"^(?:FROM| +image:) (\S+)", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    found += re.findall(r"^ +image: (\S+)", (ROOT / "compose.yaml").read_text(), re.MULTILINE)
    return sorted({name for name in found if name.startswith("docker.io/")})


def suite() -> str:
    """The Debian release in the names."""
    (suite,) = {name.rsplit("-", 1)[1] for name in names()}
    return suite


def write_root(archive: Path) -> None:
    sysroot = run("rustc", "--print", "sysroot")
    target = run("rustc", "--print", "host-tuple")
    parts = f"bin/cargo bin/rustc lib/lib* lib/rustlib/{target}"
    copy = f'cd {sysroot} && tar --create {parts} | tar --extract --directory "$1/usr/local"'
    subprocess.run(
        ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        + [f"--customize-hook={copy}", "--quiet", suite(), str(archive)],
        check=True,
    )


def bring(engine: Engine) -> None:
    if all(subprocess.run([engine.podman, "image", "exists", name]).returncode == 0 for name in names()):
        return
    archive = engine.folder / "base.tar"
    write_root(archive)
    # As in the images with these names, except for the last.
    variables = {
        "CARGO_HOME": "/usr/local/cargo",
        "PATH": "/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "CARGO_NET_OFFLINE": "true",
    }
    changes = [f"--change=ENV {name}={value}" for name, value in variables.items()]
    image = engine("import", "--quiet", *changes, archive).splitlines()[-1]
    archive.unlink()
    for name in names():
        engine("tag", image, name)
