"""Runs google/grant-access with Google's own gcloud and bq, which reach an emulation of Google on the loopback and
nothing else."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cloud import INTERFACES, TOKEN, Google

GRANT_ACCESS = Path(__file__).resolve().parents[2] / "google/grant-access"
TIMEOUT = 180

Argument = str | Path
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def gcloud_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gcloud")
    (folder / "token").write_text(TOKEN)
    return folder


def run(home: Path, google: Google, command: Sequence[Argument], **variables: str) -> Ran:
    (home / "bigqueryrc").write_text(f"api = {google.url}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "BIGQUERYRC": str(home / "bigqueryrc"),
        "CLOUDSDK_CONFIG": str(home / "config"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(home / "token"),
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        # Nothing listens there, so every connection that would leave this machine fails.
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "NO_PROXY": "127.0.0.1",
        **variables,
    }
    for name in INTERFACES:
        version = "storage/v1/" if name == "storage" else ""
        environment[f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name.upper()}"] = f"{google.url}/{name}/{version}"
    google.calls.clear()
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL
    )
    assert google.refused == [], ran.stderr
    return ran


class Everything:
    """Everything that it can grant: first with --dry-run; then for real, the service's part first; then once more."""

    SERVICE = ("--project", "my-project", "--dataset", "my-data.shakespeare")
    PIPELINES = (
        "--gitlab-project",
        "4711",
        "--image-repository",
        "europe-west1/wordtally",
        "--cache-bucket",
        "my-cache",
    )

    def __init__(self, home: Path) -> None:
        self.google = Google()
        self.home = home
        self.planned = self.run(*self.SERVICE, *self.PIPELINES, "--dry-run")
        self.planned_changes, self.planned_grants = self.google.changes(), self.google.bindings()
        self.service, self.service_grants, self.service_pools = (
            self.run(*self.SERVICE),
            self.google.bindings(),
            dict(self.google.pools),
        )
        self.done, self.done_changes = self.run(*self.SERVICE, *self.PIPELINES), self.google.changes()
        self.again, self.again_changes = self.run(*self.SERVICE, *self.PIPELINES), self.google.changes()

    def run(self, *arguments: str) -> Ran:
        return self.run_command([GRANT_ACCESS, *arguments])

    def run_command(self, command: Sequence[Argument], **variables: str) -> Ran:
        return run(self.home, self.google, command, **variables)


@pytest.fixture(scope="session")
def everything(gcloud_home: Path) -> Iterator[Everything]:
    everything = Everything(gcloud_home)
    yield everything
    everything.google.shutdown()
    everything.google.server_close()
