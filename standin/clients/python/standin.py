"""The stand-in as a separate process, with an IAM file and with service-account files like Google's."""

import json
import os
import re
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

WORDTALLY = os.environ["WORDTALLY"]
PROJECT = "mock-project"
DATASET = "bigquery-public-data.samples"
TABLE = f"{DATASET}.shakespeare"
DEADLINE = 20


# The content of a credential file or an IAM file.
Json = dict[str, Any]


class Standin:
    """Accounts are created first; then the stand-in starts, and their files get its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "standin.log"
        self.iam: list[Path] = []
        self.keys: list[Path] = []

    def account(self, name: str, *roles: str, known: bool = True) -> Path:
        """A service account and its key file; an unknown account is in no IAM file."""
        key, iam = self.folder / f"{name}.json", self.folder / f"{name}.iam.json"
        subprocess.run(
            [
                WORDTALLY,
                "standin",
                "keygen",
                "--email",
                email(name),
                "--project",
                PROJECT,
                "--out",
                key,
                "--public",
                iam,
                *roles,
            ],
            check=True,
            timeout=DEADLINE,
            stdin=subprocess.DEVNULL,
        )
        self.keys.append(key)
        if known:
            self.iam.append(iam)
        return key

    def policy(self, policy: Json) -> None:
        """Adds to the IAM what no account's own file contains."""
        self.iam.append(self.write(f"policy-{len(self.iam)}.json", policy))

    def start(self) -> None:
        arguments: list[str | Path] = [
            WORDTALLY,
            "standin",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--state",
            self.folder / "state",
            "--admin",
        ]
        for iam in self.iam:
            arguments += ["--iam", iam]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = self.address()
        for key in self.keys:
            self.write(key.name, json.loads(key.read_text()) | {"token_uri": f"{self.url}/token"})

    def address(self) -> str:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:\d+", self.log.read_text()):
                return found[0]
            time.sleep(0.02)
        raise RuntimeError(f"the stand-in did not start: {self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(DEADLINE) == 0

    def write(self, name: str, content: Json) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path

    def fault(self, target: str, kind: str, times: int = 1, **details: object) -> None:
        self.request("POST", "/standin/faults", json.dumps({"target": target, "kind": kind, "times": times, **details}))

    def waiting_faults(self) -> list[Json]:
        faults: list[Json] = json.loads(self.request("GET", "/standin/faults"))
        return faults

    def clear_faults(self) -> None:
        self.request("DELETE", "/standin/faults")

    def counters(self) -> dict[str, int]:
        counters: dict[str, int] = json.loads(self.request("GET", "/standin/counters"))
        return counters

    def revoke(self, token: str) -> None:
        self.request("POST", "/revoke", urllib.parse.urlencode({"token": token}))

    def request(self, method: str, path: str, body: str | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, body.encode() if body is not None else None, method=method)
        with urllib.request.urlopen(request, timeout=DEADLINE) as response:
            content: bytes = response.read()
            return content


def email(name: str) -> str:
    return f"{name}@{PROJECT}.iam.gserviceaccount.com"
