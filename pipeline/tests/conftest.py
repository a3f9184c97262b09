"""The jobs of .gitlab-ci.yml for each event by GitLab's rules, which gitlab-ci-local evaluates."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUNNER = os.environ.get("GITLAB_CI_LOCAL", str(Path(__file__).parent / "node_modules/.bin/gitlab-ci-local"))
FILES = [".gitlab-ci.yml", "pipeline/environments.yml"]

# The jobs by name, as GitLab reads them.
Jobs = dict[str, dict[str, Any]]
# The jobs of an event, in a project with keys and hosts, or without.
Of = Callable[..., Jobs]

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
    "other tag": [
        *["--variable", "CI_PIPELINE_SOURCE=push", "--variable", "CI_COMMIT_TAG=before-the-move"],
        *["--unset-variable", "CI_COMMIT_BRANCH"],
    ],
    "schedule": ["--variable", "CI_PIPELINE_SOURCE=schedule", "--variable", "CI_COMMIT_BRANCH=main"],
}
ALL_HOSTS = "dev mock-prod prod"


def gitlab(project: Path, *arguments: str) -> tuple[int, str, str]:
    command = [RUNNER, "--state-dir", ".cache/gitlab-ci-local", "--variable", "CI_DEFAULT_BRANCH=main"]
    # It warns on its standard output that these variables are set, which is intended here.
    chosen = "CI_PIPELINE_SOURCE,CI_COMMIT_BRANCH,CI_COMMIT_TAG,CI_MERGE_REQUEST_IID,CI_DEFAULT_BRANCH"
    environment = os.environ | {"GCL_IGNORE_PREDEFINED_VARS": chosen}
    done = subprocess.run(
        [*command, *arguments], cwd=project, env=environment, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Of:
    """Jobs of an event that GitLab would create, by name; none if its `workflow` makes no pipeline."""
    projects = {keys: checkout(tmp_path_factory.mktemp("project"), keys) for keys in (True, False)}
    known: dict[tuple[str, bool, str], Jobs] = {}

    def jobs(project: Path, event: str, *options: str) -> Jobs:
        code, out, error = gitlab(project, "--list-json", *EVENTS[event], *options)
        assert code == 0, error
        return {job["name"]: job for job in json.loads(out) if job["when"] != "never"}

    def of(event: str, keys: bool = True, hosts: str = ALL_HOSTS) -> Jobs:
        asked = (event, keys, hosts)
        if asked not in known:
            given = ["--variable", f"DEPLOY_HOSTS={hosts}"] if hosts else []
            there = jobs(projects[keys], event, "--file", "workflow.yml")
            known[asked] = jobs(projects[keys], event, *given) if there else {}
        return known[asked]

    return of


def checkout(project: Path, keys: bool) -> Path:
    """A project with the files that GitLab reads, with or without those that `deploy keys` commits."""
    for file in FILES:
        (project / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / file, project / file)
    if keys:
        (project / "release").mkdir()
        (project / "release/cosign.pub").touch()
    # The runner ignores `workflow` when it lists jobs: a job with the same rules represents it.
    rules = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8"))["workflow"]["rules"]
    rules = [{key: value for key, value in rule.items() if key != "auto_cancel"} for rule in rules]
    workflow = {"pipeline": {"script": ["true"], "rules": rules}}
    (project / "workflow.yml").write_text(yaml.safe_dump(workflow), encoding="utf-8")
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["-c", "user.name=nobody", "-c", "user.email=", "commit", "--quiet", "--message=project"],
    ):
        subprocess.run(["git", *command], cwd=project, check=True)
    return project
