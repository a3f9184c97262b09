"""gcloud, Google's client and wordtally itself can use what google/ci-credentials writes with Google's own gcloud."""

import json
import os
import re
import shutil
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import identities
import pytest
from google_hosts import GoogleHosts
from test_default_credentials import default_client

from standin import DEADLINE, PROJECT, WORDTALLY, Standin, email

CI_CREDENTIALS = Path(__file__).resolve().parents[3] / "google/ci-credentials"
PROVIDER = identities.AUDIENCE.removeprefix("//iam.googleapis.com/")
needs_gcloud = pytest.mark.skipif(shutil.which("gcloud") is None, reason="NOT RUN: gcloud is not installed")


def gcloud_environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CLOUDSDK_CONFIG": str(folder / "config"),
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    }


def ci_credentials(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [CI_CREDENTIALS, folder / "made"],
        env=gcloud_environment(folder) | variables,
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def made(standin: Standin, tmp_path: Path) -> Path:
    """The file that a job gets, whose token the stand-in accepts as GitLab's."""
    identities.external_account(standin)
    token = (standin.folder / "subject-token").read_text()
    ran = ci_credentials(tmp_path, GOOGLE_ID_TOKEN=token, GOOGLE_PROVIDER=PROVIDER, GOOGLE_ACCOUNT=email("target"))
    assert ran.returncode == 0, ran.stderr
    assert token not in ran.stdout + ran.stderr
    return tmp_path / "made/credentials.json"


@needs_gcloud
def test_the_file_names_no_secret_and_is_the_jobs_alone(made: Path, standin: Standin) -> None:
    expected = identities.external_account(
        standin,
        service_account_impersonation_url=identities.impersonation_url(),
        credential_source={"file": str(made.parent / "id-token")},
    )
    assert json.loads(made.read_text()) == expected | {"universe_domain": "googleapis.com"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.parent.iterdir()} == {0o600}


@needs_gcloud
def test_gcloud_gets_a_token(made: Path, standin: Standin, google_hosts: GoogleHosts) -> None:
    google_hosts.asked.clear()
    environment = (
        gcloud_environment(made.parents[1])
        | google_hosts.environment()
        | {
            "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": str(made),
            "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(google_hosts.certificate),
        }
    )
    ran = subprocess.run(
        ["gcloud", "auth", "print-access-token"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stderr
    assert google_hosts.asked == ["sts.googleapis.com", "iamcredentials.googleapis.com"]
    request = urllib.request.Request(
        f"{standin.url}/bigquery/v2/projects/{PROJECT}/jobs", headers={"Authorization": f"Bearer {ran.stdout.strip()}"}
    )
    assert json.loads(urllib.request.urlopen(request, timeout=DEADLINE).read())["kind"] == "bigquery#jobList"


@needs_gcloud
def test_googles_client_acts_as_the_account(made: Path, standin: Standin) -> None:
    assert default_client(standin, GOOGLE_APPLICATION_CREDENTIALS=str(made), GOOGLE_CLOUD_PROJECT=PROJECT)[
        "who"
    ] == email("target")


@needs_gcloud
def test_wordtally_serves_with_it(made: Path, standin: Standin, tmp_path: Path) -> None:
    """It reads no proxy variables, so only the two addresses are changed to the stand-in's."""
    text = made.read_text()
    for host in ("sts", "iamcredentials"):
        text = text.replace(f"https://{host}.googleapis.com", standin.url)
    file = tmp_path / "wordtally.json"
    file.write_text(text)
    log = tmp_path / "wordtally.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [
                WORDTALLY,
                "serve",
                "--word",
                "Romeo",
                "--listen",
                "127.0.0.1:0",
                "--project",
                PROJECT,
                "--credentials",
                file,
                "--bigquery-endpoint",
                standin.url,
            ],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        until(log, "answer refreshed", "refresh failed")
        address = re.search(r'"address":"([0-9.:]+)"', log.read_text())
        assert address
        request = urllib.request.Request(f"http://{address[1]}/", headers={"Accept": "application/json"})
        answer = json.loads(urllib.request.urlopen(request, timeout=DEADLINE).read())
    finally:
        process.terminate()
        process.wait(DEADLINE)
    assert list(answer["counts"][0].values())[0] == "romeoandjuliet", answer


def until(log: Path, *words: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and not any(word in log.read_text() for word in words):
        time.sleep(0.02)


GOOD = {"GOOGLE_ID_TOKEN": "token", "GOOGLE_PROVIDER": PROVIDER, "GOOGLE_ACCOUNT": email("target")}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"GOOGLE_ID_TOKEN": ""}, "GOOGLE_ID_TOKEN is not set: give the job an id_tokens entry with that name"),
        (
            {"GOOGLE_PROVIDER": "gitlab"},
            "GOOGLE_PROVIDER 'gitlab' is not the name of a provider: give the one that google/grant-access printed",
        ),
        (
            {"GOOGLE_ACCOUNT": "target"},
            "GOOGLE_ACCOUNT 'target' is not the email address of a service account: give one that google/grant-access created",
        ),
    ],
)
def test_a_bad_variable_gets_one_sentence(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    ran = ci_credentials(tmp_path, **(GOOD | change))
    assert (ran.returncode, ran.stderr) == (2, f"ci-credentials: {sentence}\n")
    assert not (tmp_path / "made").exists()
