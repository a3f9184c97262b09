"""Writes the measurements as tables, and plots them."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal, TypedDict

import plot
from load import LOADS, Sample
from peers import BENCH
from scaling import BODY_CONNECTIONS, Crowd, Samples
from whole_way import CONNECTIONS

FILE, PROXY = "nginx, a file", "wordtally behind nginx"
OURS, PLAIN, FLUSHING, NGINX, APP = "wordtally", "plain hyper", "plain hyper, pipeline_flush", "nginx", "app.py"


What = Literal["rate", "cpu", "done", "failed"]
# The aim, the measured value, the target, and whether it is met; `None` where there is no aim.
Aim = tuple[str, float, str, bool | None]


class Rounds(TypedDict):
    """By server: the samples of each load, the jobs that it caused, and the memory in MB."""

    samples: dict[str, dict[str, list[Sample]]]
    jobs: dict[str, int]
    idle: dict[str, float]
    loaded: dict[str, float]


class Measured(Rounds):
    cold: dict[str, float]
    # By the kind of request over TLS.
    whole_way: dict[str, list[Sample]]
    connections: Samples
    # By the size of the page in bytes.
    bodies: dict[int, Samples]
    words: list[Crowd]
    jobs_per_ttl: float
    instructions: dict[str, float]
    page: int
    binary: int
    rounds: int
    seconds: int
    took: float


def values(measured: Measured, name: str, load: str, what: What) -> list[float]:
    return [sample[what] for sample in measured["samples"][name][load]]


def spread(found: list[float], digits: int) -> str:
    """The median, and the spread of the middle half of the rounds in percent of it."""
    if not found:
        return "–"
    middle = statistics.median(found)
    if len(found) < 2:
        return f"{middle:,.{digits}f}"
    low, _, high = statistics.quantiles(found, n=4)
    return f"{middle:,.{digits}f} ± {(high - low) / 2 / middle:.0%}"


def ratio(measured: Measured, peer: str, load: str, what: What) -> float:
    """The median over the rounds of our figure divided by the peer's: a disturbance of a whole round affects both."""
    pairs = zip(values(measured, OURS, load, what), values(measured, peer, load, what))
    return statistics.median(ours / other for ours, other in pairs)


def beside(ours: list[Sample], others: list[Sample], what: What) -> float:
    """The same for other samples."""
    return statistics.median(one[what] / other[what] for one, other in zip(ours, others))


def middle(samples: list[Sample], what: What, digits: int) -> str:
    return spread([sample[what] for sample in samples], digits)


def aims(measured: Measured) -> Iterator[Aim]:
    """Each aim with its measured value and target, and whether it is met."""
    for load in ("c=1", "c=32", "c=256", "pipelined"):
        yield at_most(f"CPU per request, relative to plain hyper, {load}", ratio(measured, PLAIN, load, "cpu"), 1.25)
    flushing = ratio(measured, FLUSHING, "pipelined", "cpu")
    yield at_most("CPU per request, relative to plain hyper with pipeline_flush, pipelined", flushing, 1.5)
    way = measured["whole_way"]
    yield at_most(
        "CPU per request behind nginx, relative to nginx with a file, TLS", beside(way[PROXY], way[FILE], "cpu"), 1.35
    )
    if f"{PROXY}, HTTP/2" in way:
        # This has no aim.
        streams = beside(way[f"{PROXY}, HTTP/2"], way[f"{FILE}, HTTP/2"], "cpu")
        yield "CPU per request behind nginx, relative to nginx with a file, TLS, HTTP/2", streams, "", None
    for load in ("c=1", "c=32", "c=256", "pipelined"):
        rate = ratio(measured, NGINX, load, "rate")
        yield f"requests/s, relative to nginx, {load}", rate, "≥ 1.3", rate >= 1.3
    for load in ("c=1", "c=32", "c=256", "pipelined"):
        # No aim, but what the one before would show if wrk did not take half of the machine.
        yield f"requests per CPU second, relative to nginx, {load}", 1 / ratio(measured, NGINX, load, "cpu"), "", None
    if measured["instructions"]:
        found = measured["instructions"]
        yield at_most("user instructions per request", found[OURS], 10_000)
    yield at_most("RSS idle, MB", measured["idle"][OURS], 8)
    yield at_most("RSS after the load, MB", measured["loaded"][OURS], 8)
    yield at_most("cold start to a whole page, ms", measured["cold"][OURS], 50)
    # A refresh begins up to a tenth of the TTL before the TTL ends, so eleven may begin in ten TTLs.
    yield at_most("upstream jobs per TTL under load", measured["jobs_per_ttl"], 1.2)
    yield at_most("release binary, MB", measured["binary"] / 1e6, 6.5)


def at_most(what: str, value: float, limit: float) -> Aim:
    return what, value, f"≤ {limit:g}", value <= limit


def table(measured: Measured) -> Iterator[str]:
    names = list(measured["samples"])
    yield "| | " + " | ".join(names) + " |"
    yield "|---|" + "---:|" * len(names)
    shown: tuple[tuple[What, str, int], ...] = (("rate", "requests/s", 0), ("cpu", "CPU µs per request", 1))
    for what, title, digits in shown:
        for load in LOADS:
            yield row(f"{title}, {load}", names, lambda n: spread(values(measured, n, load, what), digits))
    if measured["instructions"]:
        yield row("user instructions per request", names, lambda n: number(measured["instructions"].get(n)))
    yield row("requests", names, lambda n: number(total(measured, n, "done")))
    yield row("failed requests", names, lambda n: number(total(measured, n, "failed")))
    yield row("RSS idle, MB", names, lambda n: number(measured["idle"][n], 1))
    yield row("RSS after the load, MB", names, lambda n: number(measured["loaded"][n], 1))
    yield row("cold start to a whole page, ms", names, lambda n: number(measured["cold"].get(n), 1))
    # The peers query nothing: one of our refreshes that falls into their burst does not belong to them.
    yield row(
        "upstream jobs per 10,000 requests",
        names,
        lambda n: number(measured["jobs"][n] / total(measured, n, "done") * 10_000, 2) if n in (OURS, APP) else "–",
    )


def row(title: str, names: list[str], cell: Callable[[str], str]) -> str:
    return f"| {title} | " + " | ".join(cell(name) for name in names) + " |"


def number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def total(measured: Measured, name: str, what: What) -> float:
    return sum(sum(values(measured, name, load, what)) for load in LOADS)


def whole_way(measured: Measured) -> Iterator[str]:
    found = measured["whole_way"]
    yield "| | CPU µs per request | relative to nginx's file | requests/s | failed |"
    yield "|---|---:|---:|---:|---:|"
    for name, samples in found.items():
        peer = found[f"{FILE}, HTTP/2" if name.endswith("HTTP/2") else FILE]
        failed = sum(sample["failed"] for sample in samples)
        yield f"| {name} | {middle(samples, 'cpu', 1)} | {beside(samples, peer, 'cpu'):.2f} | {middle(samples, 'rate', 0)} | {failed} |"


def connections(measured: Measured) -> Iterator[str]:
    found = measured["connections"]
    counts = list(found[OURS])
    yield "| connections | " + " | ".join(f"{count:,}" for count in counts) + " |"
    yield "|---|" + "---:|" * len(counts)
    shown: tuple[tuple[What, str, int], ...] = (("cpu", "CPU µs per request", 1), ("rate", "requests/s", 0))
    for what, title, digits in shown:
        for name, samples in found.items():
            label = {OURS: f"{OURS} alone, no TLS", NGINX: "nginx, a file, no TLS"}.get(name, f"{name}, TLS")
            yield f"| {title}, {label} | " + " | ".join(middle(samples[count], what, digits) for count in counts) + " |"
    for name, samples in found.items():
        failed = [sum(sample["failed"] for sample in samples[count]) for count in counts]
        yield f"| failed requests, {name} | " + " | ".join(map(str, failed)) + " |"


def bodies(measured: Measured) -> Iterator[str]:
    yield "| bytes of the page | nginx, a file: CPU µs | wordtally behind nginx: CPU µs | ratio | requests/s |"
    yield "|---:|---:|---:|---:|---:|"
    for size, found in measured["bodies"].items():
        file, proxy = found[FILE][BODY_CONNECTIONS], found[PROXY][BODY_CONNECTIONS]
        cells = [
            middle(file, "cpu", 1),
            middle(proxy, "cpu", 1),
            f"{beside(proxy, file, 'cpu'):.2f}",
            middle(proxy, "rate", 0),
        ]
        yield f"| {size:,} | " + " | ".join(cells) + " |"


def words(measured: Measured) -> Iterator[str]:
    yield "| words | seconds until all have a page | CPU ms per word | MB together (PSS) | MB per word | RSS, summed |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for crowd in measured["words"]:
        count = crowd["words"]
        cells = [f"{crowd['seconds']:.2f}", f"{crowd['cpu'] / count * 1000:.1f}", f"{crowd['pss']:,.1f}"]
        cells += [f"{crowd['pss'] / count:.2f}", f"{crowd['rss']:,.0f}"]
        yield f"| {count:,} | " + " | ".join(cells) + " |"


def write(measured: Measured) -> None:
    lines = [
        "# Results of the benchmark",
        "",
        f"Written by `bench/run.py` on {datetime.now(UTC):%Y-%m-%d}: {measured['rounds']} interleaved rounds, {measured['seconds']} s for each load and "
        f"server, {measured['took'] / 60:.0f} minutes in all, on {os.cpu_count()} cores of "
        f"{platform.machine()}, shared with wrk and everything else that ran there. The page has {measured['page']:,} bytes. "
        "Figures are medians, ± half the distance between the quartiles.",
        "",
        *table(measured),
        "",
        "## Behind a reverse proxy",
        "",
        f"Over TLS, {CONNECTIONS} persistent connections, one worker or thread for each process. The CPU is that of all "
        "serving processes: nginx or Caddy, and the instance.",
        "",
        *whole_way(measured),
        "",
        "## From one connection to a thousand",
        "",
        *connections(measured),
        "",
        "## Pages up to a megabyte",
        "",
        f"Over TLS, {BODY_CONNECTIONS} connections.",
        "",
        *bodies(measured),
        "",
        "## From one word to a thousand",
        "",
        "One process for each word, all started at once, with one stand-in for all of them.",
        "",
        *words(measured),
        "",
        "## Aims",
        "",
        "Each ratio is the median of the ratios within the rounds.",
        "",
        "| aim | measured | target | |",
        "|---|---:|---:|---|",
    ]
    verdicts = {True: "met", False: "**missed**", None: ""}
    lines += [f"| {what} | {value:,.2f} | {wanted} | {verdicts[met]} |" for what, value, wanted, met in aims(measured)]
    text = "\n".join(lines) + "\n"
    (BENCH / "results.md").write_text(text)
    plot.draw(
        {name: {load: found for load, found in loads.items() if found} for name, loads in measured["samples"].items()},
        measured["whole_way"],
        measured["connections"],
        measured["bodies"],
        measured["words"],
    )
    print(text)
