"""Google's client recovers from the faults that it is designed to recover from."""

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from queries import COUNTS, word

from standin import Json, Standin


def rows(client: bigquery.Client, **options: float) -> int:
    return len(list(client.query(COUNTS, job_config=word("the")).result(**options)))


def test_a_slow_job_is_waited_for(standin: Standin, client: bigquery.Client) -> None:
    def polls() -> int:
        before = standin.counters()["polls"]
        assert rows(client, timeout=30) == 42
        return standin.counters()["polls"] - before

    at_once = polls()
    standin.fault("query", "incomplete", polls=3)
    assert polls() > at_once


def test_a_job_slower_than_the_timeout_of_the_query(standin: Standin, client: bigquery.Client) -> None:
    standin.fault("query", "incomplete", polls=1)
    assert len(list(client.query_and_wait(COUNTS, job_config=word("the"), wait_timeout=30))) == 42


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("status", {"code": 503}),
        ("status", {"code": 502, "body": "html"}),
        ("quota", {}),
        ("reset", {}),
    ],
)
def test_a_passing_failure_is_tried_again(standin: Standin, client: bigquery.Client, kind: str, details: Json) -> None:
    standin.fault("query", kind, **details)
    assert rows(client) == 42


def test_a_token_endpoint_that_fails_once(standin: Standin, client: bigquery.Client) -> None:
    standin.fault("token", "status", code=503)
    assert rows(client) == 42


def test_short_pages(standin: Standin, client: bigquery.Client) -> None:
    standin.fault("results", "pageRows", times=100, rows=7)
    assert rows(client) == 42
    standin.clear_faults()


def test_a_cancelled_job(standin: Standin, client: bigquery.Client) -> None:
    standin.fault("query", "incomplete", polls=1000)
    job = client.query(COUNTS, job_config=word("the"))
    assert job.cancel()
    with pytest.raises(exceptions.GoogleAPICallError, match="(?i)cancel"):
        job.result(timeout=20)
