"""Tests `bq`, Google's command line, if it is installed: it is in no package registry, so .ci/run cannot install it."""

import csv
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from queries import COUNTS

from standin import DATASET, DEADLINE, PROJECT, Standin

Ran = subprocess.CompletedProcess[str]
Bq = Callable[..., Ran]
pytestmark = pytest.mark.skipif(shutil.which("bq") is None, reason="bq is not installed")


@pytest.fixture
def bq(standin: Standin, tmp_path: Path) -> Bq:
    """Runs bq with the reader's key; gives its output and error text."""

    def run(*arguments: str, key: str = "reader") -> Ran:
        environment = os.environ | {
            "HOME": str(tmp_path),
            "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
            "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": str(standin.folder / f"{key}.json"),
            # Without this, gcloud would use Google's host, whatever the key says.
            "CLOUDSDK_AUTH_TOKEN_HOST": f"{standin.url}/token",
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        }
        return subprocess.run(
            ["bq", "--api", standin.url, "--project_id", PROJECT, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=3 * DEADLINE,
            stdin=subprocess.DEVNULL,
        )

    return run


def test_a_query_with_a_parameter(bq: Bq) -> None:
    ran = bq("--format=csv", "query", "--nouse_legacy_sql", "--parameter", "word:STRING:Romeo", COUNTS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout[ran.stdout.index("corpus,") :].splitlines()
    assert [row["corpus"] for row in csv.DictReader(lines)] == ["romeoandjuliet"]


def test_a_table(bq: Bq) -> None:
    ran = bq("show", f"{DATASET}.shakespeare".replace(".", ":", 1))
    assert ran.returncode == 0 and "word: string" in ran.stdout, ran.stdout + ran.stderr


def test_no_access_to_the_data(bq: Bq) -> None:
    ran = bq("query", "--nouse_legacy_sql", "--parameter", "word:STRING:Romeo", COUNTS, key="no-reader")
    assert ran.returncode != 0 and "Access Denied" in ran.stdout
