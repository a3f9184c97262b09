//! An error as problem details (RFC 9457).

use serde::Serialize;

use super::failure::Failure;
use super::json::line;

/// Nothing is known beyond the status. Therefore the type is the one that the RFC has for this case, and the title is
/// that of the status.
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

pub(super) fn problem(failure: &Failure<'_>) -> String {
    line(&Problem {
        kind: "about:blank",
        title: failure.status.canonical_reason().unwrap_or("Error"),
        status: failure.status.as_u16(),
        detail: failure.sentence,
        request_id: failure.request_id,
        retry_after: failure.retry_after,
    })
}
