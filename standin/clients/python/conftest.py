"""One stand-in for all tests, with accounts that have different permissions."""

import os
from collections.abc import Callable, Iterator

import identities
import pytest
from google.cloud import bigquery
from google_hosts import GoogleHosts

from standin import DATASET, PROJECT, Standin

# Returns a client with the named account's file.
Connect = Callable[[str], bigquery.Client]

JOBS = ("--job-user", PROJECT)
DATA = ("--data-viewer", DATASET)


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
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
def google_hosts(standin: Standin) -> Iterator[GoogleHosts]:
    """No test reaches beyond this machine: the stand-in gets the requests that a client sends to Google's hosts."""
    hosts = GoogleHosts(standin.folder, standin.url)
    os.environ.update(hosts.environment())
    yield hosts
    hosts.shutdown()
    hosts.server_close()


@pytest.fixture(autouse=True)
def no_fault_is_left(standin: Standin) -> Iterator[None]:
    yield
    waiting = standin.waiting_faults()
    standin.clear_faults()
    assert waiting == [], "an ordered fault did not strike"


@pytest.fixture
def connect(standin: Standin) -> Connect:
    def connect(name: str) -> bigquery.Client:
        key = standin.folder / f"{name}.json"
        client: bigquery.Client = bigquery.Client.from_service_account_json(
            key, client_options={"api_endpoint": standin.url}
        )
        return client

    return connect


@pytest.fixture
def client(connect: Connect) -> bigquery.Client:
    return connect("reader")
