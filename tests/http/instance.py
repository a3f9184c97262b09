"""The service as a separate process, with or without a stand-in."""

import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self

WORDTALLY = os.environ["WORDTALLY"]
PATIENCE = 20


class Instance:
    """Serves `Romeo`; ends with its `with` block."""

    def __init__(self, folder: Path, endpoint: str, credentials: Path, *flags: str) -> None:
        self.log = folder / "instance.log"
        command = ["serve", "--word", "Romeo", "--listen", "127.0.0.1:0", "--bigquery-endpoint", endpoint]
        self.start([*command, "--credentials", str(credentials), "--timeout", "2s", *flags])

    def start(self, arguments: list[str]) -> None:
        # The machine's own variables must not affect a test.
        environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [WORDTALLY, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    def __enter__(self) -> Self:
        self.port = int(self.wait(lambda: re.search(r'"address":"127\.0\.0\.1:(\d+)"', self.log.read_text())))
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0

    def wait(self, found: Callable[[], re.Match[str] | None]) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if match := found():
                return match[1]
            time.sleep(0.02)
        raise RuntimeError(f"the service did not start: {self.log.read_text()}")

    def status(self) -> int:
        """The status of its counts."""
        try:
            with urllib.request.urlopen(self.url, timeout=PATIENCE) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code


class Index(Instance):
    """Lists the words of a site file."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.log = folder / "index.log"
        self.start(["index", "--listen", "127.0.0.1:0", "--site", str(site)])
