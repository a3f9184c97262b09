"""Google's own descriptions of its APIs: which method a request calls, and whether Google would accept it."""

import importlib.resources
import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import jsonschema

DOCUMENTS = importlib.resources.files("googleapiclient.discovery_cache.documents")


# One of Google's descriptions, or a body that its APIs receive or send.
Json = dict[str, Any]
# Each parameter with its values.
Query = dict[str, list[str]]


class Refused(Exception):
    """The API does not have this request."""


class Interface:
    def __init__(self, name: str) -> None:
        self.document: Json = json.loads((DOCUMENTS / f"{name}.json").read_text())
        self.schemas = {name: json_schema(schema) for name, schema in self.document["schemas"].items()}
        self.methods = [
            (method, pattern(self.document["servicePath"] + (method.get("flatPath") or method["path"])))
            for method in methods(self.document)
        ]

    def method(self, verb: str, path: str) -> tuple[Json, dict[str, str]]:
        """The method's description, and the path's parts by name."""
        for method, expression in self.methods:
            if method["httpMethod"] == verb and (match := expression.fullmatch(path)):
                return method, {name: urllib.parse.unquote(part) for name, part in match.groupdict().items()}
        raise Refused(f"{self.document['id']} has no {verb} {path}")

    def check(self, method: Json, query: Query, body: Json | None) -> None:
        known = self.document["parameters"] | method["parameters"]
        for name in query:
            if name not in known or known[name]["location"] != "query":
                raise Refused(f"{method['id']} has no parameter {name}")
        if "request" not in method:
            if body is not None:
                raise Refused(f"{method['id']} takes no body: {body}")
            return
        schema = {"$ref": f"#/$defs/{method['request']['$ref']}", "$defs": self.schemas}
        try:
            jsonschema.validate(body or {}, schema)
        except jsonschema.ValidationError as error:
            raise Refused(f"{method['id']}: {error.json_path}: {error.message}") from None


def methods(part: Json) -> Iterator[Json]:
    yield from part.get("methods", {}).values()
    for resource in part.get("resources", {}).values():
        yield from methods(resource)


def pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{\+?(\w+)\}", path)
    return re.compile("".join(f"(?P<{part}>[^/:]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts)))


def json_schema(schema: Json) -> Json:
    """A description's schema as JSON Schema that allows no other fields."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema["type"]
    if kind == "any":
        return {}
    made: Json = {"type": ["string", "integer"] if schema.get("format", "").endswith("int64") else kind}
    if "enum" in schema:
        made["enum"] = schema["enum"]
    if kind == "array":
        made["items"] = json_schema(schema["items"])
    if kind == "object":
        made["properties"] = {name: json_schema(part) for name, part in schema.get("properties", {}).items()}
        made["additionalProperties"] = (
            json_schema(schema["additionalProperties"]) if "additionalProperties" in schema else False
        )
    return made
