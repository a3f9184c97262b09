"""Google's client raises the right exception for each refusal of the stand-in."""

import datetime
import decimal

import pytest
from conftest import Connect
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.cloud import bigquery
from google.oauth2.credentials import Credentials
from queries import COUNTS, word

from standin import TABLE, Standin


def test_a_missing_table(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.NotFound, match="Not found: Table bigquery-public-data:samples.nothing"):
        client.query_and_wait("SELECT 1 FROM `bigquery-public-data.samples.nothing`")
    with pytest.raises(exceptions.NotFound):
        client.query("SELECT 1 FROM `bigquery-public-data.samples.nothing`").result()
    with pytest.raises(exceptions.NotFound):
        client.get_table("bigquery-public-data.samples.nothing")


def test_bad_sql(client: bigquery.Client) -> None:
    for sql, said in [("SELEKT 1", "Syntax error"), (f"SELECT wordd FROM `{TABLE}`", "Unrecognized name: wordd")]:
        with pytest.raises(exceptions.BadRequest, match=said) as refused:
            client.query_and_wait(sql)
        assert refused.value.errors[0]["reason"] == "invalidQuery"


def test_a_missing_parameter(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.BadRequest, match="word"):
        client.query_and_wait(COUNTS)


def test_more_bytes_than_allowed(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.GoogleAPICallError, match="(?i)bytes billed"):
        client.query(COUNTS, job_config=word("the", maximum_bytes_billed=1)).result()


@pytest.mark.parametrize(("kind", "value"), [("NUMERIC", decimal.Decimal("1.5")), ("TIME", datetime.time(3, 4))])
def test_a_type_that_the_stand_in_does_not_have(client: bigquery.Client, kind: str, value: object) -> None:
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("value", kind, value)])
    with pytest.raises(exceptions.BadRequest, match=f"not support parameters of type {kind}"):
        client.query_and_wait("SELECT @value AS value", job_config=config)


def test_no_access_to_the_data(connect: Connect) -> None:
    client = connect("no-reader")
    with pytest.raises(exceptions.Forbidden, match=f"Access Denied: Table {TABLE.replace('.', ':', 1)}"):
        client.query_and_wait(COUNTS, job_config=word("the"))
    # As with Google, the job is accepted, and its result is the error.
    job = client.query(COUNTS, job_config=word("the"))
    with pytest.raises(exceptions.Forbidden, match="Access Denied"):
        job.result()
    with pytest.raises(exceptions.Forbidden, match="Access Denied"):
        client.get_table(TABLE)


def test_no_right_to_create_jobs(connect: Connect) -> None:
    client = connect("no-jobs")
    for run in (client.query, client.query_and_wait):
        with pytest.raises(exceptions.Forbidden, match="bigquery.jobs.create"):
            run(COUNTS, job_config=word("the"))
    assert client.get_table(TABLE).num_rows > 100_000


def test_an_account_that_is_not_known(connect: Connect) -> None:
    with pytest.raises(RefreshError, match="invalid_grant"):
        connect("unknown").query(COUNTS, job_config=word("the"))


def test_another_accounts_key(standin: Standin, connect: Connect) -> None:
    forged = (standin.folder / "unknown.json").read_text().replace("unknown@", "reader@")
    (standin.folder / "forged.json").write_text(forged)
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        connect("forged").query(COUNTS, job_config=word("the"))


def test_a_revoked_token_is_replaced(standin: Standin, client: bigquery.Client) -> None:
    list(client.query_and_wait(COUNTS, job_config=word("the")))
    token = client._credentials.token
    standin.revoke(token)
    assert len(list(client.query_and_wait(COUNTS, job_config=word("the")))) == 42
    assert client._credentials.token != token


def test_a_revoked_token_alone_is_refused(standin: Standin, client: bigquery.Client) -> None:
    client.get_table(TABLE)
    fixed = Credentials(client._credentials.token)
    bare = bigquery.Client("mock-project", fixed, client_options={"api_endpoint": standin.url})
    assert bare.get_table(TABLE).num_rows > 100_000
    standin.revoke(fixed.token)
    with pytest.raises(RefreshError):
        bare.get_table(TABLE)
