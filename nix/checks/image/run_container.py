#!/usr/bin/env python3
"""Runs the image under crun as strictly as a cluster may, and requests a page from it.

run_container.py LAYOUT

LAYOUT is a folder in the OCI layout. The container gets a read-only root, no capabilities, no new privileges, the
image's own numeric user, and its own namespaces except for the network, through which it reaches a real stand-in on
this machine. $WORDTALLY is a program built with the stand-in. Needs root, crun, curl and unshare, which
`nix run .#image-test` provides.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, TypeVar

import names

T = TypeVar("T")
# The JSON of the layout and of crun.
Json = dict[str, Any]

KEY = "/run/secrets/bigquery.json"
# Ophelia occurs 20 times in one corpus of the stand-in's data.
WORD = "Ophelia"
COUNTS = ["hamlet", "20"]


def check(what: str, good: bool, seen: object) -> None:
    print(f"{'ok  ' if good else 'FAIL'} {what}: {seen}", flush=True)
    if not good:
        sys.exit(f"the container has a fault: {what}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def curl(url: str, *arguments: str) -> str:
    command = ["curl", "-s", "--max-time", "5", *arguments, url]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout


def wait_for(what: str, condition: Callable[[], T | None]) -> T:
    until = time.monotonic() + 30
    while not (value := condition()):
        if time.monotonic() > until:
            sys.exit(f"gave up after 30 s: {what}")
        time.sleep(0.1)
    return value


def unpack(layout: Path, root: Path) -> Json:
    """Unpacks the layers over each other, and returns the image's configuration."""

    def blob(descriptor: Json) -> Path:
        digest: str = descriptor["digest"]
        return layout / "blobs" / digest.replace(":", "/")

    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = json.loads(blob(entry).read_bytes())
    for descriptor in manifest["layers"]:
        with tarfile.open(blob(descriptor)) as layer:
            for file in layer:
                # Some names begin with a slash, which means the container's root.
                file.name = file.name.lstrip("/")
                layer.extract(file, root, numeric_owner=True, filter="fully_trusted")
    image: Json = json.loads(blob(manifest["config"]).read_bytes())["config"]
    return image


def runtime_config(image: Json, environment: list[str], files: dict[str, Path]) -> Json:
    """OCI's config.json: the image's configuration with the strictest settings, and this machine's files by their paths in it."""
    user, group = map(int, image["User"].split(":"))
    none: dict[str, list[str]] = {kind: [] for kind in ["bounding", "effective", "inheritable", "permitted", "ambient"]}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": user, "gid": group},
            "args": image["Entrypoint"] + image["Cmd"],
            "env": image["Env"] + environment,
            "cwd": image["WorkingDir"],
            "capabilities": none,
            "noNewPrivileges": True,
        },
        "root": {"path": "root", "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "noexec", "mode=755"]},
            *(
                {
                    "destination": path,
                    "type": "bind",
                    "source": str(file),
                    "options": ["bind", "ro", "nosuid", "noexec", "nodev"],
                }
                for path, file in files.items()
            ),
        ],
        # No network namespace: the machine's own network.
        "linux": {"namespaces": [{"type": kind} for kind in ["pid", "mount", "ipc", "uts"]]},
    }


class Container:
    # The cgroup is not tested, and not every machine allows creating one.
    CRUN = ["crun", "--cgroup-manager=disabled"]

    def __init__(self, bundle: Path, log: TextIO) -> None:
        self.name = f"wordtally-{os.getpid()}"
        self.command = [*self.CRUN, "--root", str(bundle / "state")]
        self.process = subprocess.Popen(
            [*self.command, "run", "--bundle", str(bundle), self.name], stdout=log, stderr=log
        )

    def state(self) -> Json:
        state = subprocess.run([*self.command, "state", self.name], capture_output=True, text=True)
        found: Json = json.loads(state.stdout) if state.returncode == 0 else {}
        return found

    def is_running(self) -> bool:
        if self.process.poll() is not None:
            sys.exit(f"crun ended with {self.process.returncode}")
        return self.state().get("status") == "running"

    def exec(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*self.command, "exec", "--cap=", "--no-new-privs", self.name, *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self) -> int:
        subprocess.run([*self.command, "kill", self.name, "TERM"], check=True)
        return self.process.wait(timeout=15)

    def remove(self) -> None:
        subprocess.run([*self.command, "delete", "--force", self.name], capture_output=True)


def check_confinement(pid: int) -> None:
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    check("user", status["Uid"].split() == ["65532"] * 4, status["Uid"])
    check("group", status["Gid"].split() == ["65532"] * 4, status["Gid"])
    held = {name: status[name] for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]}
    check("no capabilities", all(int(value, 16) == 0 for value in held.values()), held)
    check("no new privileges", status["NoNewPrivs"] == "1", status["NoNewPrivs"])
    try:
        Path(f"/proc/{pid}/root/written").write_text("")
        refusal = "written"
    except OSError as error:
        refusal = str(error.strerror)
    check("read-only root", refusal == "Read-only file system", refusal)


def check_service(container: Container, url: str) -> None:
    wait_for("the container responds on its port", lambda: curl(f"{url}/readyz"))
    wait_for("it is ready", lambda: curl(f"{url}/readyz").strip() == "ready")
    page = curl(f"{url}/", "-H", "Accept: text/plain")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    check(f"the page has the stand-in's counts for {WORD}", rows[2:] == [COUNTS], rows[2:])
    html = curl(f"{url}/", "-H", "Accept: text/html")
    check("the page is HTML for a browser", COUNTS[0] in html and "<html" in html, f"{len(html)} bytes")

    probe = container.exec("/bin/wordtally", "probe", f"{url}/readyz")
    check(
        "wordtally probe inside reports ready", probe.returncode == 0, f"exit {probe.returncode} {probe.stdout.strip()}"
    )
    probe = container.exec("/bin/wordtally", "probe", f"{url}/none")
    check(
        "wordtally probe inside fails where it must",
        probe.returncode != 0,
        f"exit {probe.returncode} {probe.stdout.strip()}",
    )
    for shell in ["/bin/sh", "/bin/bash", "/bin/busybox"]:
        tried = container.exec(shell, "-c", "exit 0")
        check(f"no {shell} inside", tried.returncode != 0 and "No such file" in tried.stdout, tried.stdout.strip())


def check_names(container: Container, port: int) -> None:
    for name in [names.IN_HOSTS, names.IN_DNS]:
        found = wait_for(
            f"an answer from {name}",
            lambda: container.exec("/bin/wordtally", "probe", f"http://{name}:{port}/healthz"),
        )
        check(f"{name} is found", found.returncode == 0, f"exit {found.returncode} {found.stdout.strip()}")
    unknown = container.exec("/bin/wordtally", "probe", f"http://{names.NOWHERE}:{port}/healthz")
    said = "Name or service not known" in unknown.stdout
    check(f"{names.NOWHERE} is not", unknown.returncode != 0 and said, unknown.stdout.strip())


def run(layout: Path, wordtally: str, folder: Path) -> None:
    port, standin_port = free_port(), free_port()
    url, standin = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{standin_port}"
    key, public = folder / "key.json", folder / "iam.json"
    keygen = ["--email", "counter@my-project.iam.gserviceaccount.com", "--project", "my-project"]
    keygen += ["--token-uri", f"{standin}/token", "--out", str(key), "--public", str(public)]
    keygen += ["--job-user", "my-project", "--data-viewer", "bigquery-public-data.samples"]
    subprocess.run([wordtally, "standin", "keygen", *keygen], check=True, stdout=subprocess.DEVNULL)

    image = unpack(layout, folder / "root")
    shutil.chown(key, *map(int, image["User"].split(":")))
    environment = [f"WORD={WORD}", f"LISTEN=127.0.0.1:{port}", f"CREDENTIALS={KEY}", f"BIGQUERY_ENDPOINT={standin}"]

    with open(folder / "log", "w") as log, names.NameServer():
        serve = [wordtally, "standin", "serve", "--listen", f"127.0.0.1:{standin_port}", "--iam", str(public)]
        upstream = subprocess.Popen(serve, stdout=log, stderr=log)
        try:
            # The files as a cluster provides them, and as NixOS has them.
            for nsswitch in [None, names.NSSWITCH]:
                files = {KEY: key} | names.files(folder, nsswitch)
                (folder / "config.json").write_text(json.dumps(runtime_config(image, environment, files)))
                container = Container(folder, log)
                try:
                    wait_for("the container runs", container.is_running)
                    if nsswitch is None:
                        check_service(container, url)
                        check_confinement(container.state()["pid"])
                    check_names(container, port)
                    check(
                        "SIGTERM ends it, as process 1, with success", (code := container.stop()) == 0, f"exit {code}"
                    )
                finally:
                    container.remove()
        except BaseException:
            print((folder / "log").read_text(), file=sys.stderr)
            raise
        finally:
            upstream.send_signal(signal.SIGTERM)
            upstream.wait()


def leave_hybrid_cgroups() -> None:
    """crun refuses a machine with both versions of cgroups: restarts in a mount namespace that has only the second."""
    if Path("/sys/fs/cgroup/unified").exists():
        mount = 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
        os.execvp("unshare", ["unshare", "--mount", "--propagation=private", "sh", "-c", mount, "sh", *sys.orig_argv])


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("run_container: give the folder of an OCI layout")
    if os.geteuid() != 0:
        sys.exit("run_container: crun sets up the image's root file system and its user: run this as root")
    layout = Path(sys.argv[1])
    leave_hybrid_cgroups()
    with tempfile.TemporaryDirectory(prefix="wordtally-container-") as folder:
        # The container's user must be able to reach its root.
        os.chmod(folder, 0o711)
        run(layout, os.environ["WORDTALLY"], Path(folder))


main()
