"""Runs the Python code of docs/how-to/use-the-numbers-elsewhere.md, and checks that programs read the CSV unchanged."""

import contextlib
import csv
import io
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pandas
from instance import PATIENCE, Instance

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/use-the-numbers-elsewhere.md"


def test_pandas_reads_what_json_has(serving: Instance) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert "http://127.0.0.1:8081/" in code
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code.replace("http://127.0.0.1:8081", serving.url), names)
    rows = rows_of(serving)
    table: pandas.DataFrame = names["counts"]
    assert list(table.columns) == list(rows[0])
    assert table.to_dict("records") == rows
    assert rows[0]["corpus"] in printed.getvalue()


def test_csv_has_no_mark_and_the_rows_of_json(serving: Instance) -> None:
    with urllib.request.urlopen(serving.url + "/counts.csv", timeout=PATIENCE) as response:
        content = response.read()
    assert content.startswith(b"corpus,total_words")
    rows = [row | {"per_10000_words": f"{row['per_10000_words']:.2f}"} for row in rows_of(serving)]
    head, *lines = csv.reader(io.StringIO(content.decode()))
    assert head == list(rows[0])
    assert lines == [[str(value) for value in row.values()] for row in rows]


def rows_of(instance: Instance) -> list[dict[str, Any]]:
    with urllib.request.urlopen(instance.url + "/counts.json", timeout=PATIENCE) as response:
        rows: list[dict[str, Any]] = json.load(response)["counts"]
    columns = ["corpus", "total_words", "corpus_words", "per_10000_words"]
    return [{name: row[name] for name in columns} for row in rows]
