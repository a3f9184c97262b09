"""Draws the measurements as bench/results.svg."""

import statistics
from typing import Any, Literal

from load import LOADS, Sample
from peers import BENCH
from scaling import BODY_CONNECTIONS, Crowd, Samples

What = Literal["rate", "cpu"]


def median(samples: list[Sample], what: What = "cpu") -> float:
    return statistics.median(sample[what] for sample in samples)


def by_load(axes: Any, samples: dict[str, dict[str, list[Sample]]], what: What, title: str) -> None:
    places = list(LOADS)
    for position, (name, loads) in enumerate(samples.items()):
        found = {places.index(load): sorted(sample[what] for sample in seen) for load, seen in loads.items()}
        middles = [statistics.median(seen) for seen in found.values()]
        reach = [
            [middle - seen[0] for middle, seen in zip(middles, found.values())],
            [seen[-1] - middle for middle, seen in zip(middles, found.values())],
        ]
        where = [place + position * 0.17 for place in found]
        axes.bar(where, middles, 0.17, yerr=reach, label=name, error_kw={"linewidth": 0.7})
    axes.set_xticks([place + 0.34 for place in range(len(places))], places)
    axes.set_yscale("log")
    axes.set_title(f"{title} (median, lowest to highest round)")


def draw(
    samples: dict[str, dict[str, list[Sample]]],
    whole_way: dict[str, list[Sample]],
    connections: Samples,
    bodies: dict[int, Samples],
    words: list[Crowd],
) -> None:
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "wordtally"
    from matplotlib import pyplot

    figure, rows = pyplot.subplots(3, 2, figsize=(12, 12), layout="constrained")
    (rates, cpus), (way, many), (sizes, crowds) = rows
    by_load(rates, samples, "rate", "requests/s")
    by_load(cpus, samples, "cpu", "CPU µs per request")
    rates.legend(fontsize="small")

    names = list(whole_way)[::-1]
    way.barh(names, [median(whole_way[name]) for name in names])
    way.tick_params(axis="y", labelsize="small")
    way.set_title("behind a reverse proxy, over TLS: CPU µs per request")

    for name, counts in connections.items():
        many.plot(list(counts), [median(found) for found in counts.values()], marker="o", label=name)
    many.set_xscale("log")
    many.set_yscale("log")
    many.legend(fontsize="small")
    many.set_title("CPU µs per request, by connections")

    for name in next(iter(bodies.values())):
        found = [median(each[name][BODY_CONNECTIONS]) for each in bodies.values()]
        sizes.plot([size / 1000 for size in bodies], found, marker="o", label=name)
    sizes.set_xscale("log")
    sizes.set_yscale("log")
    sizes.legend(fontsize="small")
    sizes.set_title("over TLS: CPU µs per request, by kB of the page")

    many_words = [crowd["words"] for crowd in words]
    crowds.plot(many_words, [crowd["seconds"] for crowd in words], marker="o", label="seconds until all have a page")
    crowds.plot(many_words, [crowd["pss"] / 1000 for crowd in words], marker="o", label="GB together (PSS)")
    crowds.set_xscale("log")
    crowds.set_yscale("log")
    crowds.legend(fontsize="small")
    crowds.set_title("words on one host, by their number")

    figure.savefig(BENCH / "results.svg", metadata={"Date": None})
