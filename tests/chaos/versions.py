"""The tables that the stand-in serves in turn, and what a page may then contain."""

import csv
import html
import json
import random
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

WORD = "the"
FORMATS = {
    "text/html": "text/html; charset=utf-8",
    "application/json": "application/json",
    "text/csv": "text/csv; charset=utf-8; header=present",
    "text/markdown": "text/markdown; charset=utf-8",
    "text/plain": "text/plain; charset=utf-8",
}
# The allowed difference between two clock readings, including a page's transfer, on a busy machine.
SLACK = 3.0

Rows = list[tuple[str, int]]


@dataclass
class Version:
    """A table, and the time in which it could be read."""

    number: int
    rows: Rows
    periods: list[list[float]] = field(default_factory=list)

    def write(self, path: Path) -> None:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["word", "word_count", "corpus", "corpus_date"])
            writer.writerows([WORD, count, corpus, 1600] for corpus, count in self.rows)
            writer.writerow(["other", 1, "elsewhere", 1600])

    def text(self) -> str:
        width = max(8, *(len(name) for name, _ in self.rows))
        lines = [f"| {'corpus':<{width}} |   total_words |", f"|{'-' * (width + 2)}|---------------|"]
        lines += [f"| {name:<{width}} | {count:>13} |" for name, count in self.rows]
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        head = "corpus,total_words,corpus_words,per_10000_words\r\n"
        # No corpus has any other word.
        return head + "".join(f"{name},{count},{count},10000.00\r\n" for name, count in self.rows)


def make(seed: int, how_many: int) -> list[Version]:
    """No two tables have a number in common, so that a mixture of two is found."""
    chance = random.Random(f"{seed} tables")
    versions = []
    for number in range(how_many):
        names = {f"{chance.randrange(10**6):06d} <b>&amp; '{number}'" for _ in range(chance.randint(20, 400))}
        counts = [how_many * chance.randint(1, 9999) + number for _ in names]
        versions.append(Version(number, sorted(zip(names, counts, strict=True), key=lambda row: (-row[1], row[0]))))
    return versions


class Wrong(Exception):
    """The service sent a wrong response."""


@dataclass
class Asked:
    """The time of a request, and the time of the newest data that had been seen before."""

    at: float
    newest: float


class Truth:
    """The permitted content of pages at present. Many threads use it."""

    def __init__(self, versions: list[Version], ttl: float, max_stale: float, timeout: float) -> None:
        self.versions, self.ttl, self.max_stale, self.timeout = versions, ttl, max_stale, timeout
        self.by_text = {version.text(): version for version in versions}
        self.by_csv = {version.csv(): version for version in versions}
        self.tags: dict[tuple[str, str], int] = {}
        self.newest = 0.0
        self.lock = threading.Lock()

    def serving(self, version: Version) -> None:
        version.periods.append([time.time(), float("inf")])

    def stopped(self, version: Version) -> None:
        version.periods[-1][1] = time.time()

    def ask(self) -> Asked:
        return Asked(time.time(), self.newest)

    def page(self, media_type: str, fields: dict[str, str], body: bytes, asked: Asked) -> None:
        """Fails unless the page is correct for a client that sent the request at that time and has it now."""
        now = time.time()
        if fields.get("content-type") != FORMATS[media_type]:
            raise Wrong(f"{media_type} came as {fields.get('content-type')}")
        age = int(fields["age"])
        if age > self.max_stale + SLACK:
            raise Wrong(f"a page of {age} s")
        text = body.decode()
        version = self.version(media_type, text)
        # The age is in whole seconds.
        sent_first, sent_last = asked.at - age - 1, now - age
        if media_type in ("application/json", "text/html", "text/markdown"):
            found = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?<=as of )\d{4}-\d\d-\d\dT[\d:]+Z", text)
            if not found:
                raise Wrong("the page does not say when its data was true")
            as_of = datetime.strptime(found[0], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
            if not sent_first - SLACK <= as_of + 1 or not as_of <= sent_last + SLACK:
                raise Wrong(f"as of {as_of}, with an age of {age} s at {now}")
        # A job that was sent before the table was available may have been retried.
        if not any(
            begin - self.timeout - SLACK <= sent_last and sent_first <= end + SLACK for begin, end in version.periods
        ):
            raise Wrong(f"version {version.number} of {version.periods}, with an age of {age} s at {now}")
        with self.lock:
            self.newest = max(self.newest, sent_first)
            # A tag identifies the same bytes for every request.
            key = (fields["etag"], fields.get("content-encoding", ""))
            if self.tags.setdefault(key, hash(body)) != hash(body):
                raise Wrong(f"two bodies have the tag {key}")

    def version(self, media_type: str, text: str) -> Version:
        if media_type == "application/json":
            document = json.loads(text)
            if (document["word"], document["total_words"]) != (
                WORD,
                sum(row["total_words"] for row in document["counts"]),
            ):
                raise Wrong(f"the word {document['word']}, {document['total_words']} times")
            rows = [(row["corpus"], row["total_words"]) for row in document["counts"]]
            return self.of_rows(rows)
        if media_type == "text/markdown":
            lines = (line for line in text.splitlines() if line.startswith("| "))
            cells = [re.sub(r"\\(.)", r"\1", line).strip("| ").rsplit(" | ", 1) for line in list(lines)[2:]]
            return self.of_rows((name, int(count)) for name, count in cells)
        known = self.by_csv if media_type == "text/csv" else self.by_text
        if media_type == "text/html":
            found = re.search(r"<pre>(.*)</pre>", text, re.S)
            text = html.unescape(found[1]) + "\n" if found else ""
        if text not in known:
            raise Wrong(f"a page that comes from no table: {text[:300]!r}…")
        return known[text]

    def of_rows(self, rows: Iterable[tuple[str, int]]) -> Version:
        rows = list(rows)
        for version in self.versions:
            if version.rows == rows:
                return version
        raise Wrong(f"rows that are in no table: {rows[:3]}…")

    def no_answer(self, asked: Asked) -> None:
        """Fails if there was an answer to serve when the request was sent, and there still is."""
        left = asked.newest + self.max_stale - time.time()
        if left > SLACK:
            raise Wrong(f"503, although the last answer may be served for another {left:.1f} s")
