"""Compares the dashboard with what a real Prometheus has: python3 THIS DASHBOARD PROMETHEUS BLACKBOX SCRATCH

PROMETHEUS and BLACKBOX are a host's configurations, as JSON; SCRATCH is a folder to write to.
"""

import copy
import json
import pathlib
import sys
import time

from faults import layout, queries
from watched import Watched

DEADLINE = 90

dashboard = json.loads(pathlib.Path(sys.argv[1]).read_text())
with Watched(*map(pathlib.Path, sys.argv[2:5])) as prometheus:
    # Rates need two samples, and rules one evaluation each.
    end = time.monotonic() + DEADLINE
    while (found := layout(dashboard) + queries(dashboard, prometheus)) and time.monotonic() < end:
        time.sleep(1)
    if found:
        sys.exit("\n".join(["the dashboard is wrong:", *found]))

    # What a fault would look like is found too.
    def faulty(change):
        broken = copy.deepcopy(dashboard)
        change(broken)
        return layout(broken) + queries(broken, prometheus)

    def asks(expr):
        return lambda broken: broken["panels"][0]["targets"][0].update(expr=expr, legendFormat="{{instance}}")

    planted = {
        "unknown metric wordtally_requests_total": asks("rate(wordtally_requests_total[5m])"),
        "unknown metric probe_sucess": asks("probe_sucess or up"),
        "no metric of it has the label stat": asks('wordtally_http_requests_total{stat!="200"}'),
        "no metric of it has the label inst": asks("sum by (inst) (up)"),
        "no data": asks('wordtally_http_requests_total{path="/nowhere"}'),
        "lines have no label instance": asks("sum(up)"),
        "unknown variable $word": asks('up{instance="$word"}'),
        "parse error": asks("rate(up[5m]"),
        "is used twice": lambda broken: broken["panels"][1].update(id=1),
        "overlap": lambda broken: broken["panels"][1]["gridPos"].update(x=11, w=13),
        "outside the grid": lambda broken: broken["panels"][1]["gridPos"].update(w=13),
        "does not ask ${datasource}": lambda broken: broken["panels"][0]["datasource"].update(uid="prometheus"),
        "no variable datasource": lambda broken: broken["templating"]["list"].pop(0),
    }
    for fault, change in planted.items():
        found = faulty(change)
        if not any(fault in line for line in found):
            sys.exit(f"a planted fault is not found: {fault}; instead: {found}")

targets = sum(len(panel["targets"]) for panel in dashboard["panels"])
print(f"{len(dashboard['panels'])} panels with {targets} queries, {len(planted)} planted faults found")
