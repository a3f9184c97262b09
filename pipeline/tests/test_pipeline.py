"""Tests which jobs each event starts, and that every job does only what can be done by hand."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ALL_HOSTS, EVENTS, ROOT, Jobs, Of

TEXT = (ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8")
ENVIRONMENTS = ROOT / "pipeline/environments.yml"
PIPELINE = yaml.safe_load(TEXT) | yaml.safe_load(ENVIRONMENTS.read_text(encoding="utf-8"))
WORDS = ["include", "workflow", "stages", "variables", "default"]
JOBS: Jobs = {name: job for name, job in PIPELINE.items() if name not in WORDS and not name.startswith(".")}

CHECKS = ["lint", "build", "test", "clients", "virtual machine", "third-party machine"]
PROMOTION = ["publish", "attest", "deploy dev", "deploy mock-prod"]
# The jobs of a tag: they check that mock production runs exactly this release, and deploy it to production.
TAGGED = ["tag", "publish", "attest", "check mock-prod", "deploy prod", "release"]
# The default branch publishes the documentation.
PAGES = ["pages"]
STOPS = ["stop dev", "stop mock-prod"]
SCHEDULED = ["advisories", "age of the lock files", "dependency updates"]
# Including hosts that are added later.
HOSTS = [name.removeprefix("deploy ") for name in JOBS if name.startswith("deploy ")]
THREE = {"dev", "mock-prod", "prod"}

# An output of the flake with its arguments, or a command of the flake's shell.
FLAKE = r"(build( --print-build-logs)?( --no-link| --out-link [a-z]+)|run) \.#[a-z-]+( -- [^;&|`]+)?"
# For every system, because a job builds only for its own, and only with the committed lock file.
EVALUATION = "flake check --all-systems --no-build --no-update-lock-file"
COMMAND = r"(dependencies/lock-age|cargo [a-z ]+)"
# The program that GitLab's own step needs on PATH, from the locked nixpkgs.
PROFILE = r"profile add --inputs-from \. nixpkgs#glab"


def names(jobs: Jobs, when: str = "on_success") -> list[str]:
    """The jobs of the three environments above; later tests cover every environment."""
    added = {job for host in {*HOSTS} - THREE for job in JOBS if job.endswith(f" {host}")}
    return sorted(name for name, job in jobs.items() if job["when"] == when and name not in added)


def parents(job: dict[str, Any]) -> list[str]:
    extends = job.get("extends", [])
    return [extends] if isinstance(extends, str) else extends


def word(name: str, key: str) -> Any:
    """A job's setting: its own, that of a template that it extends, or the default."""
    job = PIPELINE[name]
    if key in job:
        return job[key]
    for parent in reversed(parents(job)):
        if (value := word(parent, key)) is not None:
            return value
    return None if name.startswith(".") else PIPELINE["default"].get(key)


def script(name: str) -> list[str]:
    lines: list[str] = word(name, "script")
    return lines


@pytest.mark.parametrize("file", [ROOT / ".gitlab-ci.yml", ENVIRONMENTS])
def test_gitlabs_own_schema_takes_it(file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    command += ["--data-transform", "gitlab-ci", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- The jobs of each event.


@pytest.mark.parametrize(
    ("event", "automatic", "by_hand"),
    [
        ("merge request", CHECKS, []),
        ("default branch", CHECKS + PROMOTION + PAGES, STOPS),
        ("tag", CHECKS + TAGGED, []),
        ("schedule", SCHEDULED, []),
        ("other branch", [], []),
        ("other tag", [], []),
    ],
)
def test_an_event_starts_its_jobs(pipeline: Of, event: str, automatic: list[str], by_hand: list[str]) -> None:
    jobs = pipeline(event)
    assert names(jobs) == sorted(automatic)
    assert names(jobs, "manual") == sorted(by_hand)


def test_every_event_is_tried() -> None:
    assert set(EVENTS) == {"default branch", "other branch", "merge request", "tag", "other tag", "schedule"}


@pytest.mark.parametrize(
    ("event", "expected"),
    [("merge request", CHECKS), ("default branch", [*CHECKS, "keys", *PAGES]), ("tag", [*CHECKS, "tag", "keys"])],
)
@pytest.mark.parametrize("hosts", ["", ALL_HOSTS])
def test_without_keys_it_checks_and_says_what_is_missing(
    pipeline: Of, event: str, expected: list[str], hosts: str
) -> None:
    jobs = pipeline(event, keys=False, hosts=hosts)
    assert names(jobs) == sorted(expected)
    assert names(jobs, "manual") == []
    # A warning and not a failure.
    assert all(job["allow_failure"] for name, job in jobs.items() if name == "keys")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("default branch", ["publish", "attest", "rehearse dev", "rehearse mock-prod", *PAGES]),
        ("tag", ["tag", "publish", "attest", "rehearse mock-prod", "release"]),
    ],
)
def test_without_hosts_the_pipeline_starts_the_machines(pipeline: Of, event: str, expected: list[str]) -> None:
    assert names(pipeline(event, hosts="")) == sorted(CHECKS + expected)


def test_a_host_replaces_its_virtual_machine(pipeline: Of) -> None:
    jobs = pipeline("default branch", hosts="mock-prod")
    assert names(jobs) == sorted([*CHECKS, "publish", "attest", "rehearse dev", "deploy mock-prod", *PAGES])
    # A name within another name is not that host.
    assert "deploy prod" not in pipeline("tag", hosts="mock-prod")


@pytest.mark.parametrize("host", HOSTS)
def test_one_event_deploys_to_an_environment(pipeline: Of, host: str) -> None:
    production = JOBS[f"deploy {host}"]["environment"]["deployment_tier"] == "production"
    event, other = ("tag", "default branch") if production else ("default branch", "tag")
    assert pipeline(event, hosts=host)[f"deploy {host}"]["when"] == "on_success"
    assert f"deploy {host}" not in pipeline(other, hosts=host)
    assert (f"stop {host}" in pipeline("default branch", hosts=host)) == (not production)


@pytest.mark.parametrize(
    ("event", "expected"),
    [("default branch", CHECKS + PROMOTION), ("tag", ["lint", "tag", *CHECKS[1:], *TAGGED[1:]])],
)
def test_the_stages_are_in_order(pipeline: Of, event: str, expected: list[str]) -> None:
    jobs = pipeline(event)
    order = [PIPELINE["stages"].index(jobs[name]["stage"]) for name in expected]
    assert order == sorted(order)
    # No job leaves the order of the stages, so a deployed release has passed all earlier jobs.
    assert not [name for name, job in JOBS.items() if "needs" in job]


def test_nothing_waits_for_a_hand_on_the_way_to_mock_production(pipeline: Of) -> None:
    jobs = pipeline("default branch")
    assert [name for name in STOPS if not jobs[name]["allow_failure"]] == []
    assert [name for name in CHECKS + PROMOTION if jobs[name]["allow_failure"] is True] == []


# --- A busy default branch.


def test_only_a_merge_requests_pipeline_is_cancelled_by_a_newer_commit() -> None:
    workflow = PIPELINE["workflow"]
    assert workflow["auto_cancel"] == {"on_new_commit": "none"}
    cancelled = {rule["if"]: rule["auto_cancel"] for rule in workflow["rules"] if "auto_cancel" in rule}
    assert cancelled == {'$CI_PIPELINE_SOURCE == "merge_request_event"': {"on_new_commit": "interruptible"}}


@pytest.mark.parametrize("host", HOSTS)
def test_a_newer_release_on_the_host_is_not_a_failure(host: str) -> None:
    assert word(f"deploy {host}", "allow_failure") == {"exit_codes": [3]}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_deployed_to_and_asked_by_one_job_at_a_time(host: str) -> None:
    jobs = [name for name in JOBS if name in (f"deploy {host}", f"check {host}", f"stop {host}")]
    for name in jobs:
        assert JOBS[name]["resource_group"] == host
        assert JOBS[name]["environment"]["name"] == host
        assert word(name, "interruptible") is False
    deploy, check = script(f"deploy {host}")[1:]
    assert deploy == 'nix run .#deploy -- to "$CI_ENVIRONMENT_NAME" --commit "$CI_COMMIT_SHA"'
    assert check == 'nix run .#deploy -- check "$CI_ENVIRONMENT_NAME" --commit "$CI_COMMIT_SHA"'


# --- Time.


def seconds(duration: str) -> int:
    parts = [re.fullmatch(r"([0-9]+)([hm])", part) for part in duration.split()]
    return sum(int(part.group(1)) * {"h": 3600, "m": 60}[part.group(2)] for part in parts if part)


def limit(file: str, name: str) -> int:
    """One of the deployer's own limits, in seconds."""
    text = (ROOT / "deploy/src/deployer" / file).read_text(encoding="utf-8")
    [number] = re.findall(rf"const {name}: Duration = Duration::from_secs\(([0-9]+)\);", text)
    return int(number)


# The times that a runner with two cores needs, in seconds, with neither a binary cache nor KVM.
BUILD = 2400  # to compile the release and the deployer


@pytest.mark.parametrize("name", [name for name in JOBS if name.startswith(("deploy ", "rehearse "))])
def test_a_job_has_the_time_of_all_that_it_waits_for(name: str) -> None:
    deployment = limit("send.rs", "LIMIT") + limit("pages.rs", "BEFORE") + limit("watch.rs", "DEADLINE")
    check = limit("host.rs", "LONG") + limit("host.rs", "SHORT") + limit("pages.rs", "LIMIT")
    boot = 0
    if name.startswith("rehearse "):
        rehearse = (ROOT / "pipeline/rehearse.nix").read_text(encoding="utf-8")
        [boot] = map(int, re.findall(r"^ *patience=([0-9]+)$", rehearse, re.MULTILINE))
    assert seconds(word(name, "timeout")) >= BUILD + boot + deployment + check


def test_every_other_job_ends_within_the_hour() -> None:
    longer = {name for name in JOBS if seconds(word(name, "timeout")) > 3600}
    assert longer == {name for name in JOBS if name.startswith(("deploy ", "rehearse "))}


# --- Keys.


@pytest.mark.parametrize(("name", "environment"), [("attest", "signing"), ("dependency updates", "updates")])
def test_a_key_is_of_an_environment_that_one_job_has(name: str, environment: str) -> None:
    assert JOBS[name]["environment"] == {"name": environment, "action": "access"}
    others = [job.get("environment", {}).get("name") for other, job in JOBS.items() if other != name]
    assert environment not in others


def test_productions_key_is_given_to_its_own_runner_alone() -> None:
    tagged = {name: word(name, "tags") for name in JOBS}
    for name, job in JOBS.items():
        environment = job.get("environment", {})
        if environment.get("deployment_tier") == "production":
            assert tagged[name], f"{name} runs on any runner"
            others = {
                tag
                for other, tags in tagged.items()
                if not other.endswith(f" {environment['name']}")
                for tag in tags or []
            }
            assert not {*tagged[name]} & others


def test_the_signing_job_has_the_tags_of_the_environments() -> None:
    """Without any it runs on every runner, so that a new project's pipeline passes."""
    assert word("attest", "tags") is None
    assert parents(JOBS["attest"]) == [".signing"]
    assert not {"stage", "tags", "rules"} & {*JOBS["attest"]}


@pytest.mark.parametrize("name", ["publish", "attest"])
def test_what_signs_and_publishes_compiles_nothing(name: str) -> None:
    """It has the artifacts of `build`, and runs the program from them."""
    assert JOBS[name]["dependencies"] == ["build"]
    [line] = script(name)
    assert line.startswith("nix run .#with-tools -- subjects/bin/deploy ")
    assert JOBS["build"]["artifacts"]["paths"] == ["subjects"]


@pytest.mark.parametrize(
    "name", [name for name in JOBS if name.startswith(("deploy ", "check ", "stop ", "rehearse "))]
)
def test_a_host_is_brought_what_was_attested(name: str) -> None:
    assert word(name, "dependencies") == ["attest"]
    assert JOBS["attest"]["artifacts"]["paths"] == ["attested"]


def test_no_job_takes_an_artifact_that_it_does_not_name(pipeline: Of) -> None:
    """GitLab gives a job all artifacts of earlier stages unless the job lists the ones that it wants."""
    stages = PIPELINE["stages"]
    for name in JOBS:
        if stages.index(word(name, "stage")) > stages.index("test"):
            assert word(name, "dependencies") is not None or name == "keys", name


# --- Tags, reports and releases.


def test_a_tag_is_compared_with_the_version(pipeline: Of) -> None:
    assert script("tag") == ['nix run .#check-tag -- "$CI_COMMIT_TAG"']
    assert [event for event in EVENTS if "tag" in pipeline(event)] == ["tag"]
    # Before anything is built.
    assert JOBS["tag"]["stage"] == PIPELINE["stages"][0]


@pytest.mark.parametrize(
    ("name", "report", "path"),
    [
        ("build", "cyclonedx", "subjects/sbom.cdx.json"),
        ("test", "junit", "reports/*.xml"),
        ("clients", "junit", "reports/*.xml"),
        ("virtual machine", "junit", "machine.xml"),
        ("third-party machine", "junit", "machine.xml"),
    ],
)
def test_gitlab_is_given_the_reports(name: str, report: str, path: str) -> None:
    artifacts = word(name, "artifacts")
    assert artifacts["reports"] == {report: path}
    # Also for tests that fail.
    assert report != "junit" or artifacts["when"] == "always"


def test_a_tag_makes_a_release_whose_links_last(pipeline: Of) -> None:
    release = JOBS["release"]
    assert release["release"]["tag_name"] == "$CI_COMMIT_TAG"
    links = {link["name"]: link["url"] for link in release["release"]["assets"]["links"]}
    assert {*links} == {"provenance.sigstore.json", "release.json", "sbom.cdx.json"}
    for name, url in links.items():
        assert url == f"$CI_PROJECT_URL/-/jobs/artifacts/$CI_COMMIT_TAG/raw/attested/{name}?job=attest"
    assert JOBS["attest"]["artifacts"]["expire_in"] == "never"
    # After all deployments of a tag.
    assert PIPELINE["stages"][-1] == release["stage"] == "release"
    assert [event for event in EVENTS if "release" in pipeline(event)] == ["tag"]


def test_the_documentation_is_published_last_and_by_the_default_branch(pipeline: Of) -> None:
    pages = JOBS["pages"]
    assert pages["pages"] is True and pages["artifacts"] == {"paths": ["public"]}
    # A site that is not published keeps no release back.
    assert pages["stage"] == PIPELINE["stages"][-1]
    assert [event for event in EVENTS if "pages" in pipeline(event)] == ["default branch"]


@pytest.mark.parametrize("host", HOSTS)
def test_gitlabs_environment_leads_to_the_pages(host: str) -> None:
    assert re.fullmatch(r"https?://[^/]+/", JOBS[f"deploy {host}"]["environment"]["url"])


@pytest.mark.parametrize("host", [host for host in HOSTS if JOBS[f"deploy {host}"]["environment"].get("on_stop")])
def test_an_environment_can_be_stopped(host: str) -> None:
    name = JOBS[f"deploy {host}"]["environment"]["on_stop"]
    assert JOBS[name]["environment"] == {"name": host, "action": "stop"}
    assert JOBS[name]["stage"] == f"deploy {host}"
    assert script(name) == ['nix run .#deploy -- stop "$CI_ENVIRONMENT_NAME"']


# --- The commands of the jobs.


@pytest.mark.parametrize("name", JOBS)
def test_a_job_only_calls_what_the_flake_offers(name: str) -> None:
    for line in script(name):
        assert re.fullmatch(rf"nix ({FLAKE}|{EVALUATION}|{PROFILE}|develop --command {COMMAND})", line), line
    assert "before_script" not in TEXT and "after_script" not in TEXT


def test_the_checks_build_each_part_of_the_gate() -> None:
    """The parts of `.#gate`, and what only a job can check: the release, and the virtual machines."""
    groups = (ROOT / "pipeline/groups.nix").read_text(encoding="utf-8")
    [parts] = re.findall(r"gate = linkFarm \"gate\" \{\s*inherit \(groups\)([^;]+);", groups)
    built = {name for check in CHECKS for line in script(check) for name in re.findall(r"\.#([a-z-]+)", line)}
    kept = {"subjects", "reports", "reports-clients", "keep", "push-cache"}
    assert built == {*parts.split(), *kept, "vm-test", "third-party-test"}
    assert f"nix {EVALUATION}" in script("lint")


def test_every_image_is_pinned_by_digest() -> None:
    images = re.findall(r"^ *image: (.+)$", TEXT, re.MULTILINE)
    assert images
    for image in images:
        assert re.fullmatch(r"[a-z0-9./-]+:[0-9.]+@sha256:[0-9a-f]{64}", image), image
