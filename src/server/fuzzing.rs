//! What the fuzz targets call, for themselves alone: it is private otherwise.

use hyper::header::{HeaderMap, HeaderValue};

use super::trace_context::{self, TraceContext};
use super::{encoding, negotiate, request_id};
use crate::render::Format;

/// The format that an `Accept` chooses.
pub fn format(headers: &HeaderMap) -> Option<&'static Format> {
    negotiate::format(headers)
}

/// Whether an `Accept-Encoding` takes a body in gzip, and whether as it is.
pub fn codings(headers: &HeaderMap) -> (bool, bool) {
    let accepted = encoding::accepted(headers);
    (accepted.gzip, accepted.identity)
}

/// The request's own id, if it is one that is taken.
pub fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    request_id::of(headers)
}

/// The trace and the span that a `traceparent` names.
pub fn trace(headers: &HeaderMap) -> Option<(String, String)> {
    let value = trace_context::value(headers)?;
    let context = TraceContext::parse(&value)?;
    Some((context.trace_id.to_owned(), context.span_id.to_owned()))
}
