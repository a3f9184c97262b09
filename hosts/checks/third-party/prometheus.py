"""Compares a Prometheus's configuration with what the owner of its machine has set and what the module adds."""

import copy
import json
import sys

JOBS = {"node": None, "site": None, "wordtally": "15s", "wordtally-page": "30s"}


def faults(configuration):
    """The owner's jobs have no interval of their own, ours have; nothing but jobs and rules is ours."""
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


configuration = json.load(open(sys.argv[1]))
if found := faults(configuration):
    sys.exit("\n".join(found))

planted = {
    "the jobs are": lambda broken: broken["scrape_configs"].pop(0),
    "the global settings are": lambda broken: broken["global"].update(evaluation_interval="15s"),
    "the rule files are": lambda broken: broken["rule_files"].pop(),
}
for fault, change in planted.items():
    broken = copy.deepcopy(configuration)
    change(broken)
    if not any(line.startswith(fault) for line in faults(broken)):
        sys.exit(f"a planted fault is not found: {fault}")
print(f"{len(configuration['scrape_configs'])} jobs, {len(planted)} planted faults found")
