"""Queries, their parameters and their types, as google-cloud-bigquery sends and reads them."""

import datetime

import pytest
from google.cloud import bigquery
from queries import COUNTS, word

from standin import TABLE, Standin

THREE = f"SELECT corpus FROM `{TABLE}` WHERE word = 'the' AND word_count > ? AND corpus IN UNNEST(?)"


def test_a_named_parameter(client: bigquery.Client) -> None:
    rows = list(client.query(COUNTS, job_config=word("the")).result())
    assert len(rows) == 42
    assert {row.corpus: row.total_words for row in rows}["hamlet"] == 989
    totals = [row.total_words for row in rows]
    assert totals == sorted(totals, reverse=True)


def test_a_parameter_is_a_value_and_never_sql(client: bigquery.Client) -> None:
    assert list(client.query_and_wait(COUNTS, job_config=word("the' OR 'a' = 'a"))) == []


def test_query_and_wait(client: bigquery.Client) -> None:
    rows = client.query_and_wait(COUNTS, job_config=word("Romeo"))
    assert [row.corpus for row in rows] == ["romeoandjuliet"]


def test_an_empty_result_keeps_its_types(client: bigquery.Client) -> None:
    rows = client.query_and_wait(COUNTS, job_config=word("xyzzy"))
    assert rows.total_rows == 0
    assert [(field.name, field.field_type) for field in rows.schema] == [
        ("corpus", "STRING"),
        ("total_words", "INTEGER"),
    ]


def test_positional_and_array_parameters(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter(None, "INT64", 900),
            bigquery.ArrayQueryParameter(None, "STRING", ["hamlet", "venusandadonis"]),
        ]
    )
    assert [row.corpus for row in client.query_and_wait(THREE, job_config=config)] == ["hamlet"]


def test_an_empty_array_parameter(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ArrayQueryParameter("names", "STRING", [])])
    sql = f"SELECT COUNT(*) AS n FROM `{TABLE}` WHERE corpus IN UNNEST(@names)"
    assert [row.n for row in client.query_and_wait(sql, job_config=config)] == [0]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("STRING", "naïve 'quoted' \\ \n日本"),
        ("STRING", ""),
        ("STRING", None),
        ("INT64", -(2**63)),
        ("FLOAT64", 0.1),
        ("FLOAT64", float("inf")),
        ("BOOL", True),
        ("BOOL", False),
        ("BYTES", b"\x00\xff"),
        ("DATE", datetime.date(1599, 12, 31)),
        ("TIMESTAMP", datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.UTC)),
    ],
)
def test_a_value_survives_a_round_trip(client: bigquery.Client, kind: str, value: object) -> None:
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("value", kind, value)])
    [row] = client.query_and_wait("SELECT @value AS value", job_config=config)
    assert row.value == value and type(row.value) is type(value)


def test_a_timestamp_keeps_its_microseconds(client: bigquery.Client) -> None:
    [row] = client.query_and_wait("SELECT TIMESTAMP '2026-01-02 03:04:05.000006+00' AS moment")
    assert row.moment.isoformat() == "2026-01-02T03:04:05.000006+00:00"


def test_dry_run(client: bigquery.Client, standin: Standin) -> None:
    before = standin.counters()["jobsCreated"]
    job = client.query(COUNTS, job_config=word("the", dry_run=True))
    assert job.total_bytes_processed > 0
    assert [field.name for field in job.schema] == ["corpus", "total_words"]
    assert standin.counters()["jobsCreated"] == before


def test_labels_and_a_job_id_of_ones_own(client: bigquery.Client) -> None:
    job = client.query(COUNTS, job_id="of-my-own", job_retry=None, job_config=word("the", labels={"team": "words"}))
    job.result()
    assert client.get_job("of-my-own").labels == {"team": "words"}
