"""What each event starts, and that a job does nothing that cannot be done by hand."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import EVENTS, ROOT, Jobs, Of

TEXT = (ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8")
ENVIRONMENTS = ROOT / "pipeline/environments.yml"
PIPELINE = yaml.safe_load(TEXT) | yaml.safe_load(ENVIRONMENTS.read_text(encoding="utf-8"))
WORDS = ["include", "workflow", "stages", "variables", "default"]
JOBS: Jobs = {name: job for name, job in PIPELINE.items() if name not in WORDS and not name.startswith(".")}

CHECKS = ["lint", "build", "test", "clients", "virtual machine"]
PROMOTION = ["publish", "attest", "deploy dev", "verify dev", "deploy mock-prod", "verify mock-prod"]
# What a tag starts: mock production is asked whether it runs this very release, and production is brought it.
RELEASE = ["publish", "attest", "verify mock-prod", "deploy prod", "verify prod"]
STOPS = ["stop dev", "stop mock-prod"]
# Any that is added, too.
HOSTS = [name.removeprefix("deploy ") for name in JOBS if name.startswith("deploy ")]


# An output of the flake, with what it is given; or a command that its shell has.
FLAKE = r"(build( --print-build-logs)?( --no-link| --out-link [a-z]+)|run) \.#[a-z-]+( -- [^;&|`]+)?"
# Of every system: a job builds for its own only. And by the lock as it is committed, or not at all.
EVALUATION = "flake check --all-systems --no-build --no-update-lock-file"
COMMAND = r"(dependencies/lock-age|cargo [a-z ]+)"


def names(jobs: Jobs, when: str = "on_success") -> list[str]:
    """Those of the three environments above; what holds for every environment is asked below."""
    added = {job for host in {*HOSTS} - {"dev", "mock-prod", "prod"} for job in jobs_of(host)}
    return [name for name, job in jobs.items() if job["when"] == when and name not in added]


def jobs_of(host: str) -> list[str]:
    return [f"deploy {host}", f"verify {host}", f"stop {host}"]


@pytest.mark.parametrize("file", [ROOT / ".gitlab-ci.yml", ENVIRONMENTS])
def test_gitlabs_own_schema_takes_it(file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    command += ["--data-transform", "gitlab-ci", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("event", "automatic", "by_hand"),
    [
        ("merge request", CHECKS, []),
        ("default branch", CHECKS + PROMOTION, STOPS),
        ("tag", CHECKS + RELEASE, []),
        ("schedule", ["advisories", "age of the lock files", "dependency updates"], []),
    ],
)
def test_an_event_starts_its_jobs(pipeline: Of, event: str, automatic: list[str], by_hand: list[str]) -> None:
    jobs = pipeline(event)
    assert sorted(names(jobs)) == sorted(automatic)
    assert sorted(names(jobs, "manual")) == sorted(by_hand)


def test_a_branch_has_its_merge_request_and_no_second_pipeline(pipeline: Of) -> None:
    assert pipeline("other branch") == {}


@pytest.mark.parametrize("host", HOSTS)
def test_one_event_deploys_to_an_environment_which_is_then_verified(pipeline: Of, host: str) -> None:
    deploy, verify, stop = jobs_of(host)
    production = JOBS[deploy]["environment"]["deployment_tier"] == "production"
    event, other = ("tag", "default branch") if production else ("default branch", "tag")
    assert pipeline(event)[deploy]["when"] == "on_success"
    assert pipeline(event)[verify]["when"] == "on_success"
    assert deploy not in pipeline(other)
    assert (stop in pipeline("default branch")) == (not production)


@pytest.mark.parametrize(("event", "expected"), [("default branch", CHECKS + PROMOTION), ("tag", CHECKS + RELEASE)])
def test_the_stages_are_in_order(pipeline: Of, event: str, expected: list[str]) -> None:
    stages = PIPELINE["stages"]
    jobs = pipeline(event)
    assert sorted(names(jobs), key=lambda name: stages.index(jobs[name]["stage"])) == expected
    # No job steps out of its stage: what is deployed has passed all before it.
    assert not [name for name, job in JOBS.items() if "needs" in job]


def test_nothing_waits_for_a_hand_on_the_way_to_mock_production(pipeline: Of) -> None:
    jobs = pipeline("default branch")
    assert [name for name in STOPS if not jobs[name]["allow_failure"]] == []
    assert [name for name in CHECKS + PROMOTION if jobs[name]["allow_failure"]] == []


def script(name: str) -> list[str]:
    job = JOBS[name]
    lines: list[str] = (
        job.get("script") or PIPELINE[next(base for base in parents(job) if "script" in PIPELINE[base])]["script"]
    )
    return lines


@pytest.mark.parametrize("name", ["publish", "attest", *(f"deploy {host}" for host in HOSTS)])
def test_a_job_has_in_an_empty_store_what_it_sends(name: str) -> None:
    assert re.fullmatch(r"nix build .*--out-link built \.#release", script(name)[0])


@pytest.mark.parametrize("name", JOBS)
def test_a_job_only_calls_what_the_flake_offers(name: str) -> None:
    for line in script(name):
        assert re.fullmatch(rf"nix ({FLAKE}|{EVALUATION}|develop --command {COMMAND})", line), line
    assert "before_script" not in TEXT and "after_script" not in TEXT


@pytest.mark.parametrize(("name", "environment"), [("attest", "signing"), ("dependency updates", "updates")])
def test_a_key_is_of_an_environment_that_one_job_has(name: str, environment: str) -> None:
    assert JOBS[name]["environment"] == {"name": environment, "action": "access"}
    others = [job.get("environment", {}).get("name") for other, job in JOBS.items() if other != name]
    assert environment not in others


def test_the_checks_build_each_part_of_the_gate() -> None:
    """What `.#gate` holds, and what only a job can: the release, and virtual machines."""
    groups = (ROOT / "pipeline/groups.nix").read_text(encoding="utf-8")
    [parts] = re.findall(r"gate = linkFarm \"gate\" \{\s*inherit \(groups\)([^;]+);", groups)
    built = {name for check in CHECKS for line in script(check) for name in re.findall(r"\.#([a-z-]+)", line)}
    assert built == {*parts.split(), "release", "push-cache", "vm-test", "third-party-test"}
    assert f"nix {EVALUATION}" in script("lint")


def parents(job: dict[str, Any]) -> list[str]:
    extends = job.get("extends", [])
    return [extends] if isinstance(extends, str) else extends


def test_every_image_is_pinned_by_digest() -> None:
    images = re.findall(r"^ *image: (.+)$", TEXT, re.MULTILINE)
    assert images
    for image in images:
        assert re.fullmatch(r"[a-z0-9./-]+:[0-9.]+@sha256:[0-9a-f]{64}", image), image


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_deployed_to_by_one_job_at_a_time(host: str) -> None:
    for name in [f"deploy {host}", f"verify {host}"]:
        assert JOBS[name]["resource_group"] == host
        assert JOBS[name]["environment"]["name"] == host
    assert not PIPELINE[".deploy"].get("interruptible", False)
    assert not PIPELINE[".promote"]["interruptible"]


@pytest.mark.parametrize("host", [host for host in HOSTS if JOBS[f"deploy {host}"]["environment"].get("on_stop")])
def test_an_environment_can_be_stopped(host: str) -> None:
    stop = JOBS[JOBS[f"deploy {host}"]["environment"]["on_stop"]]
    assert stop["environment"] == {"name": host, "action": "stop"}
    assert stop["stage"] == f"deploy {host}"
    assert "--stop" in PIPELINE[".stop"]["script"][0]


def test_every_event_is_tried() -> None:
    assert set(EVENTS) == {"default branch", "other branch", "merge request", "tag", "schedule"}
