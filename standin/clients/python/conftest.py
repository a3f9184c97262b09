"""One stand-in for all tests, with accounts that may do more or less."""

import os

import identities
import pytest
from google.cloud import bigquery
from google_hosts import GoogleHosts

from standin import DATASET, PROJECT, Standin

JOBS = ("--job-user", PROJECT)
DATA = ("--data-viewer", DATASET)


@pytest.fixture(scope="session")
def standin(tmp_path_factory):
    standin = Standin(tmp_path_factory.mktemp("standin"))
    standin.account("reader", *JOBS, *DATA)
    standin.account("no-reader", *JOBS)
    standin.account("no-jobs", *DATA)
    standin.account("unknown", *JOBS, *DATA, known=False)
    standin.policy(identities.policy(standin))
    standin.start()
    yield standin
    standin.stop()
    for secret in ("PRIVATE KEY", "ya29.", identities.SECRET, identities.REFRESH_TOKEN):
        assert secret not in standin.log.read_text()


@pytest.fixture(scope="session", autouse=True)
def google_hosts(standin):
    """No test reaches past this machine: what a client asks of Google's hosts, the stand-in gets."""
    hosts = GoogleHosts(standin.folder, standin.url)
    os.environ.update(hosts.environment())
    yield hosts
    hosts.shutdown()
    hosts.server_close()


@pytest.fixture(autouse=True)
def no_fault_is_left(standin):
    yield
    waiting = standin.waiting_faults()
    standin.clear_faults()
    assert waiting == [], "an ordered fault did not strike"


@pytest.fixture
def connect(standin):
    """A client with the named account's file."""

    def connect(name):
        key = standin.folder / f"{name}.json"
        return bigquery.Client.from_service_account_json(key, client_options={"api_endpoint": standin.url})

    return connect


@pytest.fixture
def client(connect):
    return connect("reader")
