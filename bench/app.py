"""The service that wordtally replaces, faults included: one job per GET, blocking, nothing escaped.

It runs as intended, under gunicorn: gunicorn --workers 2 --threads 4 app:app
"""

import os

from flask import Flask
from google.cloud import bigquery
from tabulate import tabulate

app = Flask(__name__)
client = bigquery.Client(client_options={"api_endpoint": os.environ["BIGQUERY_ENDPOINT"]})
WORD = os.environ["WORD"]


@app.route("/")  # type: ignore[untyped-decorator]  # Flask is in the benchmark's own environment only
def count() -> str:
    query = """
        SELECT corpus, SUM(word_count) AS total_words FROM `bigquery-public-data.samples.shakespeare`
        WHERE word = 'the' GROUP BY corpus ORDER BY total_words DESC
    """
    rows = [dict(row) for row in client.query_and_wait(query)]
    table = tabulate(rows, headers="keys", tablefmt="github")
    return f"<h4>Amount of times '{WORD}' appears per corpus</h4><pre>{table}</pre>"
