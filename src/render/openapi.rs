//! The service in OpenAPI 3.1: the formats come from their list, the rest is written by hand.

use serde_json::{Map, Value, json};

use super::format::Format;
use super::json::line;
use super::order::Order;
use super::{FORMATS, json, schema};

/// The whole document.
pub fn document() -> String {
    line(&json!({
        "openapi": "3.1.1",
        "info": {
            "title": "wordtally",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "How often a word occurs in each corpus of a BigQuery table.",
            "description": "GET and HEAD are answered everywhere. A client that accepts JSON gets an error as problem details (RFC 9457).",
            "license": {"name": "MIT", "identifier": "MIT"}
        },
        // Relative to this document, under whatever path a reverse proxy serves it.
        "servers": [{"url": "."}],
        "paths": paths(),
        "components": {
            "schemas": {"Counts": schema::counts(), "Problem": problem()},
            "responses": errors(),
            "headers": headers(),
            "parameters": parameters()
        }
    }))
}

fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    let mut add = |path: &str, mut operation: Value| {
        if let Some(responses) = operation.pointer_mut("/responses").and_then(Value::as_object_mut) {
            // Whatever the path is.
            for status in ["414", "431"] {
                responses.insert(status.to_owned(), reference("responses", status));
            }
        }
        paths.insert(path.to_owned(), json!({"get": operation}));
    };
    add("/", by_accept());
    for format in FORMATS {
        add(&format!("/counts.{}", format.name), by_link(format));
    }
    let live = text("It does.", &[]);
    add(
        "/livez",
        json!({"summary": "Whether the process is alive", "responses": {"200": live}}),
    );
    add(
        "/healthz",
        json!({"summary": "The same, under its traditional name", "responses": {"200": live}}),
    );
    add(
        "/readyz",
        json!({
            "summary": "Whether there is an answer to serve",
            "responses": {"200": text("There is.", &[]), "503": text("There is no answer; the body says why.", &["Retry-After"])}
        }),
    );
    add(
        "/metrics",
        json!({
            "summary": "Metrics for Prometheus",
            "responses": {"200": {
                "description": "All metrics, in the format that Accept asks for.",
                "content": {
                    "application/openmetrics-text": {"schema": {"type": "string"}},
                    "text/plain": {"schema": {"type": "string"}}
                }
            }}
        }),
    );
    for (path, what, media_type) in [
        ("/openapi.json", "This document", "application/json"),
        (
            "/schema.json",
            "JSON Schema of the counts",
            "application/schema+json",
        ),
    ] {
        add(
            path,
            json!({
                "summary": what,
                "parameters": [reference("parameters", "If-None-Match")],
                "responses": {
                    "200": {
                        "description": what,
                        "headers": header_references(&["ETag", "Cache-Control"]),
                        "content": {media_type: {"schema": {"type": "object"}}}
                    },
                    "304": reference("responses", "304"),
                    "406": reference("responses", "406")
                }
            }),
        );
    }
    paths
}

/// The counts at `/`.
fn by_accept() -> Value {
    counts(
        "The counts, in the format that the address or Accept names",
        json!([
            reference("parameters", "format"),
            reference("parameters", "order"),
            reference("parameters", "If-None-Match")
        ]),
        FORMATS,
    )
}

/// The counts at a link that names the format.
fn by_link(format: &Format) -> Value {
    counts(
        &format!("The counts as {}", format.media_type()),
        json!([
            reference("parameters", "order"),
            reference("parameters", "If-None-Match")
        ]),
        std::slice::from_ref(format),
    )
}

fn counts(summary: &str, parameters: Value, formats: &[Format]) -> Value {
    let content = formats.iter().map(|format| {
        let schema = if *format == json::FORMAT {
            reference("schemas", "Counts")
        } else {
            json!({"type": "string"})
        };
        (format.media_type().to_owned(), json!({"schema": schema}))
    });
    let content: Map<_, _> = content.collect();
    json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The last answer of BigQuery, and how old it is.",
                "headers": header_references(&["ETag", "Cache-Control", "Age"]),
                "content": content
            },
            "304": reference("responses", "304"),
            "400": reference("responses", "400"),
            "406": reference("responses", "406"),
            "503": reference("responses", "503")
        }
    })
}

fn parameters() -> Value {
    let formats: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
    json!({
        "format": {
            "name": "format",
            "in": "query",
            "description": "The format; it takes precedence over Accept.",
            "schema": {"type": "string", "enum": formats}
        },
        "order": {
            "name": "order",
            "in": "query",
            "description": "The order of the rows in HTML; the other formats always have the largest count first.",
            "schema": {
                "type": "string",
                "enum": Order::ALL.map(Order::name),
                "default": Order::default().name()
            }
        },
        "If-None-Match": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The ETag of the copy that the client has.",
            "schema": {"type": "string"}
        }
    })
}

fn headers() -> Value {
    let header = |what: &str, kind: &str| json!({"description": what, "schema": {"type": kind}});
    json!({
        "ETag": header("A strong entity tag of the body.", "string"),
        "Cache-Control": header("How long a cache may keep it.", "string"),
        "Age": header("Whole seconds since the query was sent.", "integer"),
        "Retry-After": header("Whole seconds until the next attempt begins.", "integer"),
        "X-Request-Id": header("The ID of the request in the log.", "string")
    })
}

fn errors() -> Value {
    let error = |when: &str, headers: &[&str]| {
        json!({
            "description": when,
            "headers": header_references(headers),
            "content": {
                "application/problem+json": {"schema": reference("schemas", "Problem")},
                "text/html": {"schema": {"type": "string"}},
                "text/plain": {"schema": {"type": "string"}}
            }
        })
    };
    let id = "X-Request-Id";
    json!({
        "304": {
            "description": "The client's copy is current.",
            "headers": header_references(&["ETag", "Cache-Control"])
        },
        "400": error("The address has an unknown value, or a parameter more than once.", &[id]),
        "406": error("None of the accepted media types or encodings is served.", &[id]),
        "414": error("The address is too long.", &[id]),
        "431": error("The head of the request is too large.", &[id]),
        "503": error("There is no answer yet, or the last one is too old.", &[id, "Retry-After"])
    })
}

/// Problem details (RFC 9457).
fn problem() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "One sentence: what is wrong, and what would be right."},
            "request_id": {"type": "string", "description": "The ID of the request in the log."},
            "retry_after": {"type": "integer", "description": "How many seconds to wait before the next request."}
        },
        "required": ["type", "title", "status", "detail"]
    })
}

fn text(description: &str, headers: &[&str]) -> Value {
    json!({
        "description": description,
        "headers": header_references(headers),
        "content": {"text/plain": {"schema": {"type": "string"}}}
    })
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

fn header_references(names: &[&str]) -> Map<String, Value> {
    let headers = names
        .iter()
        .map(|name| ((*name).to_owned(), reference("headers", name)));
    headers.collect()
}
