"""Tests what google/grant-access grants, what it leaves unchanged, and what it refuses."""

import copy
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cloud import BUCKET, NUMBER, REPOSITORY
from conftest import GRANT_ACCESS, Everything

needs_gcloud = pytest.mark.skipif(
    shutil.which("gcloud") is None or shutil.which("bq") is None or shutil.which("jq") is None,
    reason="NOT RUN: gcloud, bq or jq is not installed",
)
DOCS = GRANT_ACCESS.parents[1] / "docs/how-to"
DOMAIN = "my-project.iam.gserviceaccount.com"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/wordtally-ci"
PIPELINES = f"principalSet://iam.googleapis.com/{POOL}/attribute.project_id/4711"
RUNTIME = {
    ("projects/my-project", "roles/bigquery.jobUser", f"serviceAccount:wordtally@{DOMAIN}"),
    ("datasets/my-data.shakespeare", "READER", f"wordtally@{DOMAIN}"),
}


@needs_gcloud
def test_everything_is_granted_and_nothing_else(everything: Everything) -> None:
    assert everything.done.returncode == 0, everything.done.stderr
    google = everything.google
    assert google.bindings() == RUNTIME | {
        (REPOSITORY, "roles/artifactregistry.writer", f"serviceAccount:wordtally-ci-images@{DOMAIN}"),
        (BUCKET, "roles/storage.objectUser", f"serviceAccount:wordtally-ci-cache@{DOMAIN}"),
        (f"serviceAccounts/wordtally-ci-images@{DOMAIN}", "roles/iam.workloadIdentityUser", PIPELINES),
        (f"serviceAccounts/wordtally-ci-cache@{DOMAIN}", "roles/iam.workloadIdentityUser", PIPELINES),
    }
    assert set(google.accounts) == {
        f"{name}@{DOMAIN}" for name in ("wordtally", "wordtally-ci-images", "wordtally-ci-cache")
    }
    assert [pool["name"] for pool in google.pools.values()] == [POOL]
    [provider] = google.providers.values()
    assert provider["name"] == f"{POOL}/providers/gitlab"
    assert provider["oidc"] == {"issuerUri": "https://gitlab.com"}
    assert provider["attributeCondition"] == 'assertion.project_id == "4711" && assertion.ref_protected == "true"'
    assert provider["attributeMapping"] == {"google.subject": "assertion.sub"} | {
        f"attribute.{claim}": f"assertion.{claim}" for claim in ("project_id", "project_path", "ref", "ref_protected")
    }
    assert google.services["my-project"] == {
        f"{name}.googleapis.com" for name in ("artifactregistry", "bigquery", "iam", "iamcredentials", "storage", "sts")
    }
    assert f"{POOL}/providers/gitlab" in everything.done.stderr


@needs_gcloud
def test_what_others_were_granted_stays(everything: Everything) -> None:
    google = everything.google
    for resource in ("projects/my-project", "projects/my-data", REPOSITORY, BUCKET):
        assert {"role": "roles/viewer", "members": ["user:theirs@example.com"]} in google.policies[resource]["bindings"]
    assert {"role": "OWNER", "specialGroup": "projectOwners"} in google.datasets[("my-data", "shakespeare")]["access"]


@needs_gcloud
def test_a_second_run_changes_nothing(everything: Everything) -> None:
    assert everything.done_changes != []
    assert (everything.again.returncode, everything.again.stdout, everything.again_changes) == (0, "", []), (
        everything.again.stderr
    )


@needs_gcloud
def test_a_dry_run_prints_what_is_run_then_and_changes_nothing(everything: Everything) -> None:
    assert everything.planned.returncode == 0, everything.planned.stderr
    assert (everything.planned_changes, everything.planned_grants) == ([], set())
    run = everything.service.stdout.splitlines() + everything.done.stdout.splitlines()
    # With two runs, services are enabled in two steps.
    but_services = [
        [line for line in lines if not line.startswith("gcloud services enable ")]
        for lines in (everything.planned.stdout.splitlines(), run)
    ]
    assert but_services[0] == but_services[1] != []


@needs_gcloud
def test_without_gitlab_only_the_service_gets_access(everything: Everything) -> None:
    assert everything.service.returncode == 0, everything.service.stderr
    assert (everything.service_grants, everything.service_pools) == (RUNTIME, {})


def commands(page: str, part: int = 0) -> list[str]:
    """The commands on a page, either before the section on pipelines or from it onwards."""
    text = (DOCS / page).read_text().split("\n## In a pipeline\n")[part]
    return re.findall(r"^ *\$ ((?:gcloud|bq) .*)$", re.sub(r"\\\n *", "", text), re.MULTILINE)


def words(lines: list[str]) -> list[list[str]]:
    return [shlex.split(line) for line in lines]


@needs_gcloud
def test_the_page_on_ci_has_the_commands_that_are_run(everything: Everything) -> None:
    assert words(commands("give-ci-access-to-google.md")) == words(everything.planned.stdout.splitlines())


@needs_gcloud
def test_the_page_on_bigquery_has_the_commands_that_are_run(everything: Everything) -> None:
    named = [
        command for command in commands("run-against-bigquery.md") if command != "gcloud auth application-default login"
    ]
    assert words(named) == words(everything.service.stdout.splitlines())


@needs_gcloud
def test_the_page_on_ci_has_commands_that_use_the_access_and_take_it_back(
    everything: Everything, tmp_path: Path
) -> None:
    google, before = everything.google, everything.google.bindings()
    kept = copy.deepcopy((google.policies, google.pools))
    # A person is asked before a pool is deleted.
    variables = {
        "GOOGLE_PROVIDER": f"{POOL}/providers/gitlab",
        "GOOGLE_ACCOUNT": f"wordtally-ci-images@{DOMAIN}",
        "folder": str(tmp_path),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    }
    ran = [
        everything.run_command(["bash", "-euc", command], **variables)
        for command in commands("give-ci-access-to-google.md", 1)
    ]
    after, pool = google.bindings(), google.pools["wordtally-ci"]
    google.policies, google.pools = kept
    assert [command.returncode for command in ran] == [0, 0, 0], [command.stderr for command in ran]
    assert (tmp_path / "credentials.json").exists()
    assert before - after == {
        (f"serviceAccounts/wordtally-ci-images@{DOMAIN}", "roles/iam.workloadIdentityUser", PIPELINES)
    }
    assert pool["state"] == "DELETED"


@needs_gcloud
@pytest.mark.parametrize(
    "changes",
    [
        {"attributeCondition": "true", "attributeMapping": {"google.subject": "assertion.user_login"}},
        {"oidc": {"issuerUri": "https://gitlab.example.com"}},
        {"oidc": {"allowedAudiences": ["https://gitlab.com"]}},
        {"oidc": {"jwksJson": '{"keys": []}'}},
    ],
    ids=lambda changes: "-".join(changes.get("oidc", changes)),
)
def test_a_changed_provider_is_corrected(everything: Everything, changes: dict[str, Any]) -> None:
    [provider] = everything.google.providers.values()
    before = copy.deepcopy(provider)
    for part, changed in changes.items():
        provider[part] = provider[part] | changed if part == "oidc" else changed
    ran = everything.run("--project", "my-project", *everything.PIPELINES[:2], *everything.PIPELINES[-2:])
    assert ran.returncode == 0, ran.stderr
    assert everything.google.changes() == ["iam.projects.locations.workloadIdentityPools.providers.patch"]
    assert provider == before


@needs_gcloud
def test_a_provider_that_is_disabled_is_refused_with_the_command_that_enables_it(everything: Everything) -> None:
    """It may have been disabled to lock out the pipelines, and so it stays disabled."""
    [provider] = everything.google.providers.values()
    provider["disabled"] = True
    ran = everything.run("--project", "my-project", *everything.PIPELINES[:2], *everything.PIPELINES[-2:])
    assert (ran.returncode, everything.google.changes()) == (1, [])
    sentence, command = ran.stderr.strip().removesuffix("'").split("'")
    assert (
        sentence
        == "grant-access: the provider gitlab is disabled: if the pipelines are meant to have access, enable it with "
    )
    enabled = everything.run_command(shlex.split(command))
    assert enabled.returncode == 0 and not provider.get("disabled"), enabled.stderr


@needs_gcloud
def test_a_pool_with_another_provider_is_refused(everything: Everything) -> None:
    """The identities of the other provider would have the same grants."""
    everything.google.providers["elsewhere"] = {"name": f"{POOL}/providers/elsewhere", "state": "ACTIVE"}
    ran = everything.run("--project", "my-project", *everything.PIPELINES[:2], *everything.PIPELINES[-2:])
    del everything.google.providers["elsewhere"]
    assert (ran.returncode, everything.google.changes()) == (1, [])
    assert (
        ran.stderr.strip()
        == "grant-access: the pool wordtally-ci has another provider, elsewhere: delete it, because this access is for https://gitlab.com alone"
    )


@needs_gcloud
def test_a_deleted_provider_is_ignored(everything: Everything) -> None:
    """Google lists it for another 30 days, in any order."""
    google, kept = everything.google, everything.google.providers
    google.providers = {"elsewhere": {"name": f"{POOL}/providers/elsewhere", "state": "DELETED"}} | kept
    ran = everything.run("--project", "my-project", *everything.PIPELINES[:2], *everything.PIPELINES[-2:])
    google.providers = kept
    assert (ran.returncode, ran.stdout, google.changes()) == (0, "", []), ran.stderr


@needs_gcloud
def test_a_dataset_that_is_not_there_changes_nothing(everything: Everything) -> None:
    ran = everything.run("--project", "my-project", "--dataset", "my-data.misspelt")
    assert (ran.returncode, everything.google.changes()) == (1, [])
    assert "grant-access: cannot read the present state with 'bq --format=json show my-data:misspelt': " in ran.stderr
    assert "Not found: Dataset my-data:misspelt" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--project is missing: give the ID of the project that pays"),
        (["--project"], "--project needs a value after it"),
        (["--projects", "x"], "'--projects' is not a flag of this command: --help lists them"),
        (["--project", "My Project"], "--project 'My Project' is not a project ID: give one such as my-project"),
        (
            ["--project", "my-project", "--dataset", "shakespeare"],
            "--dataset 'shakespeare' is not PROJECT.DATASET: give one such as my-data.shakespeare",
        ),
        (
            ["--project", "my-project", "--dataset", 'my-data.a` TO "allUsers"'],
            "--dataset 'my-data.a` TO \"allUsers\"' is not PROJECT.DATASET: give one such as my-data.shakespeare",
        ),
        (
            ["--project", "my-project", "--gitlab-project", "group/name"],
            "--gitlab-project 'group/name' is not a project number: give the number on the project's page, not the project's path",
        ),
        (
            ["--project", "my-project", "--gitlab", "http://gitlab.example.com"],
            "--gitlab 'http://gitlab.example.com' is not the URL of a GitLab instance: give one such as https://gitlab.com, without a trailing /",
        ),
        (
            ["--project", "my-project", "--gitlab-project", "4711"],
            "--gitlab-project has nothing to give access to: add --image-repository or --cache-bucket",
        ),
        (
            ["--project", "my-project", "--cache-bucket", "my-cache"],
            "--gitlab-project is missing: give the number of the project whose pipelines get access",
        ),
        (
            ["--project", "my-project", "--image-repository", "wordtally"],
            "--image-repository 'wordtally' is not LOCATION/NAME: give one such as europe-west1/wordtally",
        ),
        (
            ["--project", "my-project", "--cache-bucket", "gs://my-cache"],
            "--cache-bucket 'gs://my-cache' is not a bucket name: give the name without gs://",
        ),
    ],
)
def test_bad_arguments_get_one_sentence(arguments: list[str], sentence: str) -> None:
    ran = subprocess.run(
        [GRANT_ACCESS, *arguments], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"grant-access: {sentence}\n")


def test_the_help_names_every_flag() -> None:
    source = GRANT_ACCESS.read_text()
    ran = subprocess.run([GRANT_ACCESS, "--help"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    taken = set(re.findall(r"^\t(--[a-z-]+)\) [a-z_]+=\$2", source, re.MULTILINE)) | {"--dry-run"}
    assert ran.returncode == 0 and set(re.findall(r"^  (--[a-z-]+) ", ran.stdout, re.MULTILINE)) == taken
