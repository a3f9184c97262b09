"""Writes what was measured as a table and a plot."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator
from typing import Literal, TypedDict

from load import LOADS, Sample
from peers import BENCH

OURS, PLAIN, FLUSHING, NGINX, APP = "wordtally", "plain hyper", "plain hyper, pipeline_flush", "nginx", "app.py"


What = Literal["rate", "cpu", "done", "failed"]
# What was wanted, what came out, the limit, and whether that is enough; `None` where there is no aim.
Aim = tuple[str, float, str, bool | None]


class Rounds(TypedDict):
    """By server: each load's samples, the jobs that it caused, and its memory in MB."""

    samples: dict[str, dict[str, list[Sample]]]
    jobs: dict[str, int]
    idle: dict[str, float]
    loaded: dict[str, float]


class Measured(Rounds):
    cold: dict[str, float]
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
    """The median, and how far the middle half of the rounds lies apart, in percent of it."""
    if not found:
        return "–"
    middle = statistics.median(found)
    if len(found) < 2:
        return f"{middle:,.{digits}f}"
    low, _, high = statistics.quantiles(found, n=4)
    return f"{middle:,.{digits}f} ± {(high - low) / 2 / middle:.0%}"


def ratio(measured: Measured, peer: str, load: str, what: What) -> float:
    """The median over the rounds of ours by the peer's: what hits a whole round hits both."""
    pairs = zip(values(measured, OURS, load, what), values(measured, peer, load, what))
    return statistics.median(ours / other for ours, other in pairs)


def aims(measured: Measured) -> Iterator[Aim]:
    """What was wanted, what came out, and whether that is enough."""
    for load in ("c=1", "c=32", "c=256", "pipelined"):
        yield at_most(f"CPU per request by plain hyper's, {load}", ratio(measured, PLAIN, load, "cpu"), 1.25)
    flushing = ratio(measured, FLUSHING, "pipelined", "cpu")
    yield at_most("CPU per request by plain hyper's with pipeline_flush, pipelined", flushing, 1.25)
    for load in ("c=1", "c=32", "c=256", "pipelined"):
        rate = ratio(measured, NGINX, load, "rate")
        yield f"requests/s by nginx's, {load}", rate, "≥ 1.3", rate >= 1.3
    for load in ("c=1", "c=32", "c=256", "pipelined"):
        # No aim, but what the one before would show if wrk did not take half of the machine.
        yield f"requests per CPU second by nginx's, {load}", 1 / ratio(measured, NGINX, load, "cpu"), "", None
    if measured["instructions"]:
        found = measured["instructions"]
        yield at_most("user instructions per request by plain hyper's", found[OURS] / found[PLAIN], 1.25)
    yield at_most("RSS idle, MB", measured["idle"][OURS], 8)
    yield at_most("RSS after the load, MB", measured["loaded"][OURS], 8)
    yield at_most("cold start to a whole page, ms", measured["cold"][OURS], 50)
    # A refresh begins up to a tenth of the TTL before its end, so that eleven may begin in ten TTLs.
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
    # The peers ask nobody: a refresh of ours that falls into a burst of theirs is none of theirs.
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


def write(measured: Measured) -> None:
    lines = [
        "# Measured beside its peers",
        "",
        f"Written by `bench/run.py`: {measured['rounds']} interleaved rounds, {measured['seconds']} s a load and "
        f"server, {measured['took'] / 60:.0f} minutes in all, on {os.cpu_count()} cores of "
        f"{platform.machine()} shared with wrk and all else that ran there. The page has {measured['page']:,} bytes. "
        "Figures are medians, ± half the distance between the quartiles.",
        "",
        *table(measured),
        "",
        "Ratios are medians of the ratios within one round.",
        "",
        "| aim | measured | wanted | |",
        "|---|---:|---:|---|",
    ]
    verdicts = {True: "met", False: "**missed**", None: ""}
    lines += [f"| {what} | {value:.2f} | {wanted} | {verdicts[met]} |" for what, value, wanted, met in aims(measured)]
    text = "\n".join(lines) + "\n"
    (BENCH / "results.md").write_text(text)
    plot(measured)
    print(text)


def plot(measured: Measured) -> None:
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "wordtally"
    from matplotlib import pyplot

    names = list(measured["samples"])
    figure, both = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    shown: tuple[tuple[What, str], ...] = (("rate", "requests/s"), ("cpu", "CPU µs per request"))
    for axes, (what, title) in zip(both, shown):
        for position, name in enumerate(names):
            found = {place: values(measured, name, load, what) for place, load in enumerate(LOADS)}
            found = {place: sorted(seen) for place, seen in found.items() if seen}
            middles = [statistics.median(seen) for seen in found.values()]
            reach = [
                [middle - seen[0] for middle, seen in zip(middles, found.values())],
                [seen[-1] - middle for middle, seen in zip(middles, found.values())],
            ]
            places = [place + position * 0.17 for place in found]
            axes.bar(places, middles, 0.17, yerr=reach, label=name, error_kw={"linewidth": 0.7})
        axes.set_xticks([place + 0.34 for place in range(len(LOADS))], list(LOADS))
        axes.set_yscale("log")
        axes.set_title(f"{title} (median, lowest to highest round)")
    both[0].legend(fontsize="small")
    figure.savefig(BENCH / "results.svg", metadata={"Date": None})
