"""Compares the dashboard with what a real Prometheus has."""

import copy
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults import Dashboard, layout, queries
from watched import Watched

DEADLINE = 90


@pytest.fixture(scope="session")
def dashboard() -> Dashboard:
    content: Dashboard = json.loads(Path(os.environ["DASHBOARD"]).read_text())
    return content


@pytest.fixture(scope="session")
def prometheus(dashboard: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """With a host's configurations, which are JSON; it already has the data for the queries."""
    configurations = Path(os.environ["PROMETHEUS"]), Path(os.environ["BLACKBOX"])
    with Watched(*configurations, tmp_path_factory.mktemp("watched")) as prometheus:
        # Rates need two samples, and rules one evaluation each.
        end = time.monotonic() + DEADLINE
        while queries(dashboard, prometheus) and time.monotonic() < end:
            time.sleep(1)
        yield prometheus


def test_each_query_of_the_dashboard_is_answered(dashboard: Dashboard, prometheus: Watched) -> None:
    assert layout(dashboard) + queries(dashboard, prometheus) == []


def test_promtool_finds_nothing_wrong_with_the_metrics(prometheus: Watched) -> None:
    for url in prometheus.instances.values():
        request = urllib.request.Request(f"{url}metrics", headers={"Accept": "text/plain;version=0.0.4"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            metrics = answer.read()
        for name in (b"process_cpu_seconds_total", b"wordtally_http_request_duration_seconds_bucket"):
            assert name in metrics
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


Change = Callable[[Dashboard], object]


def asks(expr: str) -> Change:
    return lambda broken: broken["panels"][0]["targets"][0].update(expr=expr, legendFormat="{{instance}}")


# Each fault: its message, and the change to the dashboard that plants it.
PLANTED: dict[str, Change] = {
    "unknown metric wordtally_requests_total": asks("rate(wordtally_requests_total[5m])"),
    "unknown metric probe_sucess": asks("probe_sucess or up"),
    "none of its metrics has the label stat": asks('wordtally_http_requests_total{stat!="200"}'),
    "none of its metrics has the label inst": asks("sum by (inst) (up)"),
    "no data": asks('wordtally_http_requests_total{path="/nowhere"}'),
    "lines have no label instance": asks("sum(up)"),
    "unknown variable $word": asks('up{instance="$word"}'),
    "parse error": asks("rate(up[5m]"),
    "is used twice": lambda broken: broken["panels"][1].update(id=1),
    "overlap": lambda broken: broken["panels"][1]["gridPos"].update(x=11, w=13),
    "outside the grid": lambda broken: broken["panels"][1]["gridPos"].update(w=13),
    "does not query ${datasource}": lambda broken: broken["panels"][0]["datasource"].update(uid="prometheus"),
    "no variable datasource": lambda broken: broken["templating"]["list"].pop(0),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(dashboard: Dashboard, prometheus: Watched, fault: str) -> None:
    broken = copy.deepcopy(dashboard)
    PLANTED[fault](broken)
    found = layout(broken) + queries(broken, prometheus)
    assert any(fault in line for line in found), found
