"""Application default credentials: every type of file, and the metadata server, found as Google's client finds them."""

import json
import os
import subprocess
import sys

import identities
from google_hosts import GoogleHosts

from standin import DEADLINE, PROJECT, Json, Standin, email

# A separate process, because google-auth reads part of its environment when it is imported.
PROGRAM = """
import json, sys
from google.cloud import bigquery
client = bigquery.Client(client_options={"api_endpoint": sys.argv[1]})
[row] = client.query_and_wait("SELECT COUNT(*) AS n FROM `bigquery-public-data.samples.shakespeare` WHERE word = 'Romeo'")
json.dump({"project": client.project, "rows": row.n, "who": client.query("SELECT 1").user_email}, sys.stdout)
"""


def default_client(standin: Standin, **environment: str) -> Json:
    """The identity of a client without any argument, after a successful query."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GOOGLE_", "GCE_", "CLOUDSDK_", "BIGQUERY_"))
    }
    # An empty home, so that no file of the user who runs the tests is found.
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, standin.url],
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE,
        stdin=subprocess.DEVNULL,
        env=inherited | {"HOME": str(standin.folder), "NO_GCE_CHECK": "true"} | environment,
    )
    assert ran.returncode == 0, ran.stderr
    found: Json = json.loads(ran.stdout)
    return found


def from_file(standin: Standin, content: Json) -> Json:
    path = standin.write("default.json", content)
    return default_client(standin, GOOGLE_APPLICATION_CREDENTIALS=str(path), GOOGLE_CLOUD_PROJECT=PROJECT)


def test_service_account(standin: Standin) -> None:
    path = standin.folder / "reader.json"
    assert default_client(standin, GOOGLE_APPLICATION_CREDENTIALS=str(path)) == {
        "project": PROJECT,
        "rows": 1,
        "who": email("reader"),
    }


def test_authorized_user(standin: Standin, google_hosts: GoogleHosts) -> None:
    google_hosts.asked.clear()
    assert from_file(standin, identities.authorized_user())["who"] == identities.PERSON
    # This type's token address is Google's, whatever the file says.
    assert "oauth2.googleapis.com" in google_hosts.asked


def test_external_account(standin: Standin) -> None:
    direct = from_file(standin, identities.external_account(standin))
    assert direct["who"].endswith("/workloadIdentityPools/ci/subject/build")
    own = from_file(standin, identities.external_account(standin, token_url=f"{standin.url}/v1/token"))
    assert own == direct


def test_external_account_that_impersonates(standin: Standin) -> None:
    file = identities.external_account(standin, service_account_impersonation_url=identities.impersonation_url())
    assert from_file(standin, file)["who"] == email("target")


def test_impersonated_service_account(standin: Standin) -> None:
    source = json.loads((standin.folder / "no-reader.json").read_text())
    assert from_file(standin, identities.impersonated(source))["who"] == email("target")


def test_metadata_server(standin: Standin) -> None:
    host = standin.url.removeprefix("http://")
    found = default_client(standin, GCE_METADATA_HOST=host, GCE_METADATA_IP=host, NO_GCE_CHECK="false")
    assert found == {"project": PROJECT, "rows": 1, "who": email("machine")}


def test_gclouds_well_known_file(standin: Standin) -> None:
    folder = standin.folder / "gcloud"
    folder.mkdir()
    (folder / "application_default_credentials.json").write_text(json.dumps(identities.authorized_user()))
    assert (
        default_client(standin, CLOUDSDK_CONFIG=str(folder), GOOGLE_CLOUD_PROJECT=PROJECT)["who"] == identities.PERSON
    )
