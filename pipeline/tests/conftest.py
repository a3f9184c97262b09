"""What .gitlab-ci.yml is for each event, as GitLab's rules decide it: asked of gitlab-ci-local, which evaluates them."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / ".cache/workflow.yml"
RUNNER = os.environ.get("GITLAB_CI_LOCAL", str(Path(__file__).parent / "node_modules/.bin/gitlab-ci-local"))

# By name, as GitLab reads them.
Jobs = dict[str, dict[str, Any]]
# Those of an event.
Of = Callable[[str], Jobs]

EVENTS = {
    "default branch": ["--variable", "CI_PIPELINE_SOURCE=push", "--variable", "CI_COMMIT_BRANCH=main"],
    "other branch": ["--variable", "CI_PIPELINE_SOURCE=push", "--variable", "CI_COMMIT_BRANCH=an-idea"],
    "merge request": [
        *["--variable", "CI_PIPELINE_SOURCE=merge_request_event", "--variable", "CI_MERGE_REQUEST_IID=7"],
        *["--unset-variable", "CI_COMMIT_BRANCH"],
    ],
    "tag": [
        *["--variable", "CI_PIPELINE_SOURCE=push", "--variable", "CI_COMMIT_TAG=v0.1.0"],
        *["--unset-variable", "CI_COMMIT_BRANCH"],
    ],
    "schedule": ["--variable", "CI_PIPELINE_SOURCE=schedule", "--variable", "CI_COMMIT_BRANCH=main"],
}


def gitlab(*arguments: str) -> tuple[int, str, str]:
    command = [RUNNER, "--state-dir", ".cache/gitlab-ci-local", "--variable", "CI_DEFAULT_BRANCH=main"]
    # It warns on its standard output of what is the point here: that the event is a chosen one.
    chosen = "CI_PIPELINE_SOURCE,CI_COMMIT_BRANCH,CI_COMMIT_TAG,CI_MERGE_REQUEST_IID,CI_DEFAULT_BRANCH"
    environment = os.environ | {"GCL_IGNORE_PREDEFINED_VARS": chosen}
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def pipeline() -> Of:
    """Jobs of an event that GitLab would create, by name; none if its `workflow` makes no pipeline."""
    known: dict[str, Jobs] = {}
    rules = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8"))["workflow"]["rules"]
    # It lists jobs without a look at `workflow`: a job of the same rules stands for that.
    WORKFLOW.parent.mkdir(exist_ok=True)
    WORKFLOW.write_text(yaml.safe_dump({"pipeline": {"script": ["true"], "rules": rules}}), encoding="utf-8")

    def jobs(event: str, *options: str) -> Jobs:
        code, out, error = gitlab("--list-json", *EVENTS[event], *options)
        assert code == 0, error
        return {job["name"]: job for job in json.loads(out) if job["when"] != "never"}

    def of(event: str) -> Jobs:
        if event not in known:
            known[event] = jobs(event) if jobs(event, "--file", str(WORKFLOW.relative_to(ROOT))) else {}
        return known[event]

    return of
