"""The query that the service runs, and its parameter."""

from google.cloud import bigquery

from standin import TABLE

COUNTS = f"SELECT corpus, SUM(word_count) AS total_words FROM `{TABLE}` WHERE word = @word GROUP BY corpus ORDER BY total_words DESC"


def word(value: str, **options: object) -> bigquery.QueryJobConfig:
    return bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("word", "STRING", value)], **options)
