"""renovate.json is valid by Renovate's schema, covers every manifest of the repository, and merges nothing by itself."""

import importlib.resources
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGURATION = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
FILES = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=20
).stdout.splitlines()
# Files that may contain versions of others' work; more kinds than exist here, so that a new one is noticed.
MANIFEST = re.compile(
    r"(^|/)(Cargo\.toml|package\.json|flake\.nix|[^/]*requirements[^/]*\.(txt|in)|crates\.txt|[^/]*\.?gitlab-ci[^/]*\.ya?ml|pyproject\.toml|setup\.(cfg|py)"
    r"|Pipfile|uv\.lock|(Docker|Container)file[^/]*|(docker-)?compose[^/]*\.ya?ml|go\.mod|Gemfile|pom\.xml|rust-toolchain[^/]*|Chart\.yaml|[^/]*\.tf"
    r"|\.pre-commit-config\.yaml|\.tool-versions|\.nvmrc)$"
)
MANIFESTS = [file for file in FILES if MANIFEST.search(file)]
MANIFEST_OF = {"Cargo.lock": "Cargo.toml", "package-lock.json": "package.json", "flake.lock": "flake.nix"}


def patterns(manager: str) -> list[str]:
    if manager == "custom.regex":
        return [pattern for custom in CONFIGURATION["customManagers"] for pattern in custom["managerFilePatterns"]]
    found: list[str] = CONFIGURATION[manager]["managerFilePatterns"]
    return found


def managers(file: str) -> list[str]:
    found = []
    for manager in CONFIGURATION["enabledManagers"]:
        for pattern in patterns(manager):
            # A pattern between slashes is a regular expression.
            assert pattern[0] == pattern[-1] == "/", pattern
            if re.search(pattern[1:-1], file):
                found.append(manager)
    return found


def test_renovates_own_schema_takes_it() -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.renovate",
        str(ROOT / "renovate.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_option_is_one_of_renovates() -> None:
    """Renovate's schema allows any name, so a misspelt one would be ignored silently."""
    schema = json.loads(
        (importlib.resources.files("check_jsonschema.builtin_schemas.vendor") / "renovate.json").read_text(
            encoding="utf-8"
        )
    )
    known = (
        schema["properties"].keys() | schema["definitions"]["packageRules"]["items"]["allOf"][0]["properties"].keys()
    )
    used = {
        option
        for part in (CONFIGURATION, *CONFIGURATION["packageRules"], CONFIGURATION["lockFileMaintenance"])
        for option in part
    }
    assert used - known == {"$schema"} - known


def test_there_are_manifests_of_each_manager() -> None:
    assert {manager for file in MANIFESTS for manager in managers(file)} == set(CONFIGURATION["enabledManagers"])


@pytest.mark.parametrize("file", MANIFESTS)
def test_each_manifest_has_one_manager(file: str) -> None:
    assert len(managers(file)) == 1, f"{file} would never be updated: give it a manager in renovate.json"


def test_each_lock_file_is_beside_its_manifest_or_a_workspace() -> None:
    locks = [pathlib.PurePath(file) for file in FILES if pathlib.PurePath(file).name in MANIFEST_OF]
    assert len(locks) >= 4
    assert [lock for lock in locks if str(lock.with_name(MANIFEST_OF[lock.name])) not in MANIFESTS] == []


def test_no_folder_is_left_out() -> None:
    # The preset with that name excludes tests/, which has most of the manifests.
    assert CONFIGURATION["ignorePresets"] == [":ignoreModulesAndTests"]
    assert CONFIGURATION["ignorePaths"] == ["**/node_modules/**"]


def test_nothing_is_merged_automatically() -> None:
    assert "automerge" not in json.dumps(CONFIGURATION)
    assert not [preset for preset in CONFIGURATION["extends"] if "automerge" in preset.lower()]


def test_the_programs_from_crates_io_are_found() -> None:
    [custom] = CONFIGURATION["customManagers"]
    [match] = custom["matchStrings"]
    # JavaScript's named groups, in Python's notation.
    found = re.findall(match.replace("(?<", "(?P<"), (ROOT / ".ci/crates.txt").read_text(encoding="utf-8"))
    assert {name for name, _ in found} == {"deadnix", "nixfmt_rs"}


def test_the_two_google_crates_wait_for_a_person() -> None:
    crates = ["gcp-bigquery-client", "yup-oauth2"]
    [rule] = [rule for rule in CONFIGURATION["packageRules"] if rule.get("matchPackageNames") == crates]
    assert rule["dependencyDashboardApproval"] and rule["minimumReleaseAge"] == "30 days"
    assert (
        set(crates)
        <= tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["dependencies"].keys()
    )


@pytest.mark.parametrize("file", [file for file in MANIFESTS if file.endswith((".ci/crates.txt", "requirements.txt"))])
def test_each_requirement_is_one_version(file: str) -> None:
    """Nothing would update a range, and nothing would report that."""
    lines = [
        line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
