"""The faults of a dashboard: in its layout, and in its queries of a Prometheus."""

import itertools
import re
from typing import Any

from watched import Watched

# The dashboard as Grafana reads it from JSON.
Dashboard = dict[str, Any]

VARIABLES = {"$instance": ".+", "$__rate_interval": "10s"}
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset"}
COLUMNS = 24


def layout(dashboard: Dashboard) -> list[str]:
    panels = dashboard["panels"]
    ids = [panel["id"] for panel in panels]
    found = [f"the panel id {id} is used twice" for id in set(ids) if ids.count(id) > 1]
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    if variables.get("datasource", {}).get("type") != "datasource":
        found.append("there is no variable datasource")
    for panel in panels:
        at = panel["gridPos"]
        if at["x"] < 0 or at["x"] + at["w"] > COLUMNS or min(at["w"], at["h"]) < 1:
            found.append(f"{panel['title']}: outside the grid")
        for asking in [panel, *panel["targets"]]:
            if asking["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                found.append(f"{panel['title']}: does not query ${{datasource}}")
    for one, other in itertools.combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        if (
            a["x"] < b["x"] + b["w"]
            and b["x"] < a["x"] + a["w"]
            and a["y"] < b["y"] + b["h"]
            and b["y"] < a["y"] + a["h"]
        ):
            found.append(f"{one['title']} and {other['title']} overlap")
    return found


def queries(dashboard: Dashboard, prometheus: Watched) -> list[str]:
    found = []
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            found += [f"{panel['title']}: {fault}: {target['expr']}" for fault in query(target, prometheus)]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert asked, variable["query"]
            selector, label = asked.groups()
            if not prometheus.values(label, selector):
                found.append(f"variable {variable['name']}: no data: {variable['query']}")
    return found


def query(target: dict[str, Any], prometheus: Watched) -> list[str]:
    expr = target["expr"]
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    if unknown := re.search(r"\$\w+", expr):
        return [f"unknown variable {unknown[0]}"]
    lines, error = prometheus.query(expr)
    if error:
        return [error]
    metrics, labels = names(expr)
    found = [f"unknown metric {name}" for name in metrics - prometheus.metrics()]
    known = prometheus.labels(metrics)
    found += [f"none of its metrics has the label {name}" for name in labels - known]
    if not found and not lines:
        return ["no data"]
    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
        if not all(line["metric"].get(label) for line in lines):
            found.append(f"its lines have no label {label}")
    return found


def names(expr: str) -> tuple[set[str], set[str]]:
    """The metrics and the labels that a well-formed query names."""
    labels = set[str]()
    # Label values may contain any text.
    expr = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr)

    def selector(match: re.Match[str]) -> str:
        labels.update(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*""', match[1]))
        return " "

    def grouping(match: re.Match[str]) -> str:
        labels.update(re.findall(r"\w+", match[1]))
        return " "

    expr = re.sub(r"{([^}]*)}", selector, expr)
    expr = re.sub(r"\[[^\]]*\]", " ", expr)
    expr = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", grouping, expr)
    words = re.findall(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()", expr)
    return set(words) - WORDS, labels
