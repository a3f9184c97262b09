"""Pages, and the rows of a table itself."""

from google.cloud import bigquery

from standin import DATASET, TABLE

WORDS = f"SELECT word, word_count FROM `{TABLE}` WHERE corpus = 'hamlet' ORDER BY word"


def test_pages_are_as_long_as_asked_and_lose_nothing(client: bigquery.Client) -> None:
    rows = client.query(WORDS).result(page_size=1000)
    pages = [[row.word for row in page] for page in rows.pages]
    assert {len(page) for page in pages[:-1]} == {1000} and len(pages) > 4
    words = [word for page in pages for word in page]
    assert words == sorted(set(words)) and len(words) == rows.total_rows


def test_query_and_wait_pages_too(client: bigquery.Client) -> None:
    rows = client.query_and_wait(WORDS, page_size=2000)
    assert [len(list(page)) for page in rows.pages][:2] == [2000, 2000]


def test_start_index_and_limit(client: bigquery.Client) -> None:
    job = client.query(WORDS)
    everything = [row.word for row in job.result()]
    assert [row.word for row in job.result(start_index=10, max_results=5)] == everything[10:15]


def test_the_rows_of_a_table(client: bigquery.Client) -> None:
    rows = list(client.list_rows(client.get_table(TABLE), max_results=2500, page_size=1000))
    assert len(rows) == 2500
    assert all(isinstance(row.word_count, int) and row.corpus for row in rows)


def test_some_columns_of_a_table(client: bigquery.Client) -> None:
    table = client.get_table(TABLE)
    fields = [field for field in table.schema if field.name == "corpus"]
    [row] = client.list_rows(table, selected_fields=fields, max_results=1)
    assert list(row.keys()) == ["corpus"]


def test_what_there_is(client: bigquery.Client) -> None:
    assert [dataset.dataset_id for dataset in client.list_datasets("bigquery-public-data")] == ["samples"]
    assert client.get_dataset(DATASET).location == "US"
    assert [table.table_id for table in client.list_tables(DATASET)] == ["shakespeare"]
    table = client.get_table(TABLE)
    assert [field.name for field in table.schema] == ["word", "word_count", "corpus", "corpus_date"]
    assert table.num_rows > 160_000
    job = client.query("SELECT 1")
    job.result()
    assert job.job_id in [listed.job_id for listed in client.list_jobs(max_results=20)]
    assert client.get_job(job.job_id, location=job.location).state == "DONE"
