"""The program conforms to its OpenAPI document, with and without an answer, and its JSON to its JSON Schema."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
from instance import PATIENCE, Instance

RUN = [sys.executable, "-m", "schemathesis.cli", "run", "--seed", "15", "--max-examples", "50", "--no-color"]


def test_what_the_document_says_is_so(serving: Instance, tmp_path: Path) -> None:
    said = try_out(serving, tmp_path)
    assert "Tested: 12" in said, said


def test_it_also_conforms_without_an_answer(failing: Instance, tmp_path: Path) -> None:
    # The document describes a 503 for this case, so it is not a fault of the program.
    checks = "status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
    said = try_out(failing, tmp_path, "--checks", checks)
    assert "Tested: 12" in said, said


def test_the_answer_is_as_the_schema_says(serving: Instance) -> None:
    schema = get(serving, "/schema.json")
    answer = get(serving, "/counts.json")
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator.validate(answer)
    assert answer["counts"]
    for broken in ({}, answer | {"total_words": "many"}, answer | {"counts": [{"corpus": "hamlet"}]}):
        assert not validator.is_valid(broken)


def try_out(instance: Instance, folder: Path, *arguments: str) -> str:
    command = [*RUN, *arguments, f"{instance.url}/openapi.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def get(instance: Instance, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(instance.url + path, timeout=PATIENCE) as response:
        document: dict[str, Any] = json.load(response)
        return document
