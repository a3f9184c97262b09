#!/usr/bin/env python3
"""Writes tabulate.jsonl: generated rows, and the table that tabulate 0.10.0 makes of them.

Each line is {"rows": [[corpus or null, total_words], ...], "table": "..."}. With --check, nothing is written: the file
must equal what would be written. Needs `pip install tabulate==0.10.0`.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import tabulate

FILE = Path(__file__).with_name("tabulate.jsonl")
T = TypeVar("T")
Rows = list[tuple[str | None, int]]

PLAIN: list[str | None] = [
    "hamlet",
    "kinghenryviii",
    "sonnets",
    "a",
    "",
    None,
    "King Lear",
    "  various  ",
    "x\ty",
    "a|b",
    "\\|",
    "twogentlemenofverona",
    "corpus",
    "corpus name",
    "'tis",
    "<b>",
    "&amp;",
    "*bold*",
    "no\x00nul",
    "bell\x07",
]
UNICODE: list[str | None] = [
    "naïve",
    "Ædipus",
    "日本語",
    "ελληνικά",
    "e\u0301",
    "👩‍👩‍👧",
    "שלום",
    "\u202eevil\u202c",
    "\u200b",
    "ﬁ",
    "\u00a0nbsp\u00a0",
    "\u3000wide\u3000",
    "\x1cfs\x1f",
    "\ufeffbom",
    "½",
    "Ⅷ",
    "²",
]
INTEGERS: list[str | None] = [
    "1",
    "22",
    "007",
    "-5",
    "+7",
    " 12 ",
    "1_000",
    "1,000",
    "12,345,678",
    "-1,000",
    "١٢",
    "４２",
    "0",
    "-0",
    "12345678901234567890",
    "\u00a07",
    "8\t",
    "१०",
]
FLOATS: list[str | None] = [
    "2.5",
    "1e5",
    ".5",
    "5.",
    "1e-7",
    "-2.50",
    "1234567.5",
    "123456.5",
    "1234565e0",
    "0.0001",
    "0.00001",
    "inf",
    "-inf",
    "nan",
    "NaN",
    "INF",
    "1_0.2_5",
    "1,234.5",
    "1,000.",
    "1E+3",
    " 3.25 ",
    "٢.٥",
    "1e300",
    "2.0000000001",
    "999999.5",
    "-0.0",
    "0.1e1_0",
    "100000e0",
    "1000000e0",
    "3.14159265",
    "5e-324",
    "+.5",
]
NEARLY: list[str | None] = [
    "0x10",
    "1__0",
    "_1",
    "1_",
    "1,00",
    "1,0000",
    "infinity",
    "+inf",
    "-nan",
    " inf",
    "1e999",
    "1e",
    "e5",
    ".",
    "-",
    "+",
    "1 2",
    "1,000,00",
    ",5",
    "1.2.3",
    "--1",
    "1e5.0",
    "½",
    "²",
    "True1",
    "true",
    "FALSE",
    "None",
    "1.5,000",
    "1,000e5",
    " 1,000",
    "1,000 ",
    "1_.5",
    "1._5",
]
BOOLEANS: list[str | None] = ["True", "False"]
LINES: list[str | None] = [
    "a\nb",
    "a\r\nb",
    "long first line\nb",
    "a\n",
    "\na",
    "a\n\nb",
    "12\n",
    "1\n2",
    "a\rb",
    "a\x0bb\nc",
    " a \n b ",
    "x\u2028y\nz",
    "1.5\n",
    "1,000\n",
    "\n",
    "12\n\n ",
]
BREAKS: list[str | None] = ["a\x0bb", "a\x0cb", "a\x1cb", "a\x85b", "a\u2028b"]
STYLED: list[str | None] = [
    "\x1b[31mred\x1b[0m",
    "\x1b[1;32m42\x1b[0m",
    "\x1b[4m2.50\x1b[0m",
    "\x1b[0m",
    "\x1b[ q",
    "\x1b[31",
    "\x1b\x1b[1mx",
    "\x1b[31m\x1b[0m",
    "a\x1b[Kb",
    "\x1b[é",
    "1,000.5",
]
SEPARATORS: list[str | None] = ["\x01", " \x01 ", "\x01\x01"]
TOTALS = [0, 1, 9, 42, 995, 28944, -1, -12345, 10**12, 9_223_372_036_854_775_807, -9_223_372_036_854_775_808]
POOLS: list[tuple[list[str | None], int]] = [
    (PLAIN, 60),
    (PLAIN + UNICODE, 60),
    (INTEGERS, 50),
    (INTEGERS + [None, ""], 20),
    (FLOATS, 70),
    (INTEGERS + FLOATS, 70),
    (INTEGERS + BOOLEANS, 20),
    (FLOATS + BOOLEANS + [None, ""], 30),
    (BOOLEANS + [None, ""], 10),
    (NEARLY, 40),
    (PLAIN + LINES, 60),
    (INTEGERS + ["12\n", "7\n\n "], 15),
    (FLOATS + ["1.5\n", "12\n"], 15),
    (LINES, 30),
    (PLAIN + BREAKS, 15),
    (PLAIN + STYLED, 40),
    (INTEGERS + STYLED[1:2] + STYLED[3:4], 15),
    (FLOATS + INTEGERS + STYLED[1:4] + ["1,000.5", "1,000"], 30),
    (PLAIN + SEPARATORS, 20),
    (SEPARATORS, 5),
]


class Source:
    """Choices that are the same in all versions of Python, which guarantees this only for random()."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def below(self, limit: int) -> int:
        return int(self.random() * limit)

    def of(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]


def cases() -> Iterator[Rows]:
    source = Source(1599)
    yield []
    for pool, _ in POOLS:
        for corpus in pool:
            yield [(corpus, 7)]
    for pool, count in POOLS:
        for _ in range(count):
            totals = TOTALS[:6] if source.below(3) else TOTALS
            yield [(source.of(pool), source.of(totals)) for _ in range(1 + source.below(6))]
    for width in range(1, 20):
        yield [("w" * width, 10**width)] if width < 19 else [("w" * 300, 1)]
    yield [(f"corpus{n}", 1000 - n) for n in range(60)]


def table(rows: Rows) -> str:
    tabulate.WIDE_CHARS_MODE = False  # as without the optional package wcwidth
    named = [{"corpus": corpus, "total_words": total} for corpus, total in rows]
    written: str = tabulate.tabulate(named, headers="keys", tablefmt="github")
    return written


def main() -> None:
    if tabulate.__version__ != "0.10.0":
        sys.exit(f"tabulate is {tabulate.__version__}: install 0.10.0")
    seen = {json.dumps({"rows": rows, "table": table(rows)}, separators=(",", ":")): None for rows in cases()}
    text = "".join(line + "\n" for line in seen)
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text() != text:
            sys.exit(
                f"{FILE.name} differs from the output of tabulate {tabulate.__version__}: run {Path(__file__).name}"
            )
        print(f"{FILE.name}: {len(seen)} tables as tabulate {tabulate.__version__} makes them")
    elif sys.argv[1:]:
        sys.exit("give --check to compare, or no argument to write the file")
    else:
        FILE.write_text(text)


main()
