"""The counts of a word in the stand-in's table, read from the table itself and not from the service."""

import subprocess


def counts(table: str, word: str) -> dict[str, int]:
    """Corpus -> how often the word occurs in it."""
    text = subprocess.run(["zstd", "-dcq", table], check=True, capture_output=True).stdout.decode()
    found: dict[str, int] = {}
    corpus = ""
    for line in text.splitlines():
        name, _, count = line.partition("\t")
        if line.startswith("#"):
            corpus = name[1:]
        elif name == word:
            found[corpus] = found.get(corpus, 0) + int(count or 1)
    return found


def table_of(text: str) -> dict[str, int]:
    """Corpus -> count, of the service's table in plain text."""
    rows = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in text.splitlines()[2:] if line]
    return {corpus: int(count) for corpus, count in rows}
