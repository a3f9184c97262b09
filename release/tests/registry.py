"""A container registry on the loopback, for as long as a test needs one."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Registry:
    """Debian's docker-registry or nixpkgs' registry, with its files in a folder below `folder`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.name = f"127.0.0.1:{free_port()}"
        config = folder / "registry.json"
        storage = {"filesystem": {"rootdirectory": str(folder / "storage")}}
        config.write_text(
            json.dumps({"version": 0.1, "log": {"level": "error"}, "storage": storage, "http": {"addr": self.name}})
        )
        # The names in nixpkgs and in Debian.
        program = shutil.which("registry") or "docker-registry"
        self.process = subprocess.Popen(
            [program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{self.name}/v2/", timeout=5):
                return
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError("docker-registry does not answer")
            time.sleep(0.05)

    def blob(self, digest: str) -> pathlib.Path:
        algorithm, digits = digest.split(":")
        return self.folder / "storage/docker/registry/v2/blobs" / algorithm / digits[:2] / digits / "data"

    def manifests(self) -> list[str]:
        return sorted(str(path) for path in (self.folder / "storage").glob("**/_manifests/revisions/sha256/*"))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
