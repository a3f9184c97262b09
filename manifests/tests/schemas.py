"""The platforms' schemas, closed so that they refuse a field that they do not define."""

import copy
import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import googleapiclient
import jsonschema
import kubernetes_validate

from manifests import Thing

# The oldest release with a feature that the manifests use (a pause before SIGTERM without a program), and the newest known.
KUBERNETES = ("1.30", "1.37")


# JSON Schema: an object, a list of objects, or a value in one.
Schema = Any


class Validator(Protocol):
    """jsonschema's."""

    def validate(self, instance: Thing) -> None: ...


def _closed(schema: Schema) -> Schema:
    """The schema, in which every object that lists its fields refuses others."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _closed(part) for key, part in schema.items()}
    # If `properties` is the name of a field, the value below it is a schema, whose type is not a string.
    if isinstance(schema.get("properties"), dict) and isinstance(schema.get("type", "object"), str):
        schema.setdefault("additionalProperties", False)
    return schema


def _referring(schema: Schema, name: Callable[[str], str]) -> Schema:
    """The schema, in which each reference by name becomes one into `$defs`."""
    if isinstance(schema, list):
        return [_referring(part, name) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _referring(part, name) for key, part in schema.items()}
    if isinstance(schema.get("$ref"), str):
        schema["$ref"] = "#/$defs/" + name(schema["$ref"])
    return schema


def _validator(schemas: Schema, root: str, name: Callable[[str], str] = lambda reference: reference) -> Validator:
    schema = {"$defs": _referring(_closed(copy.deepcopy(schemas)), name), "$ref": f"#/$defs/{root}"}
    validator: Validator = jsonschema.Draft202012Validator(schema)
    return validator


@functools.cache
def _cloud_run() -> Validator:
    path = Path(googleapiclient.__file__).parent / "discovery_cache/documents/run.v1.json"
    return _validator(json.loads(path.read_text())["schemas"], "Service")


@functools.cache
def _gateway() -> Validator:
    script = Path(__file__).with_name("gateway-schemas.js")
    written = subprocess.run(["node", script], check=True, stdout=subprocess.PIPE, timeout=60).stdout
    return _validator(
        json.loads(written), "gateway.networking.k8s.io.v1.HTTPRoute", lambda reference: reference.removesuffix("#")
    )


def validate(thing: Thing) -> None:
    """Raises jsonschema's ValidationError if the platform does not have a field or does not accept its value."""
    group = thing["apiVersion"].rpartition("/")[0]
    if group == "serving.knative.dev":
        _cloud_run().validate(thing)
    elif group == "gateway.networking.k8s.io":
        _gateway().validate(thing)
    else:
        for version in KUBERNETES:
            used = kubernetes_validate.validate(thing, version, strict=True)
            assert used == version, f"there is no schema for Kubernetes {version}, only for {used}"
