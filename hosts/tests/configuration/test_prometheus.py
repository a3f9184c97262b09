"""Compares a Prometheus configuration with what the host's owner has set and what the module adds."""

import copy
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

JOBS = {"node": None, "site": None, "wordtally": "15s", "wordtally-page": "30s"}

Configuration = dict[str, Any]


@pytest.fixture
def configuration() -> Configuration:
    content: Configuration = json.loads(pathlib.Path(os.environ["PROMETHEUS"]).read_text())
    return content


def faults(configuration: Configuration) -> list[str]:
    """The owner's jobs have no interval of their own, but ours have; we add nothing except jobs and rules."""
    found = []
    jobs = {job["job_name"]: job.get("scrape_interval") for job in configuration["scrape_configs"]}
    if jobs != JOBS:
        found.append(f"the jobs are {jobs}")
    owners = {"scrape_interval": "20s", "scrape_timeout": "5s", "external_labels": {"site": "example"}}
    if configuration["global"] != owners:
        found.append(f"the global settings are {configuration['global']}")
    if len(configuration["rule_files"]) != 3:
        found.append(f"the rule files are {configuration['rule_files']}")
    return found


def test_only_jobs_and_rules_are_ours(configuration: Configuration) -> None:
    assert faults(configuration) == []


PLANTED: dict[str, Callable[[Configuration], object]] = {
    "the jobs are": lambda broken: broken["scrape_configs"].pop(0),
    "the global settings are": lambda broken: broken["global"].update(evaluation_interval="15s"),
    "the rule files are": lambda broken: broken["rule_files"].pop(),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(configuration: Configuration, fault: str) -> None:
    broken = copy.deepcopy(configuration)
    PLANTED[fault](broken)
    assert [line for line in faults(broken) if line.startswith(fault)]
