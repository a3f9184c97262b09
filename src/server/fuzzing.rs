//! Entry points for the fuzz targets into code that is otherwise private.

use hyper::Uri;
use hyper::header::{HeaderMap, HeaderValue};

use super::fields::Fields;
use super::route::Route;
use super::target::Target;
use super::trace_context::TraceContext;
use super::{encoding, negotiate, request_id};
use crate::render::{Format, Order};

/// The format that an `Accept` selects.
pub fn format(headers: &HeaderMap) -> Option<&'static Format> {
    negotiate::format(Fields::of(headers).accept())
}

/// The path of an address as in the metrics, and its format and order, or the sentence of the error.
pub fn target(address: &Uri) -> (&'static str, Result<(Option<&'static Format>, Order), String>) {
    let route = Route::of(address.path());
    let target = Target::of(route, address).map(|target| (target.format, target.order));
    (route.name(), target)
}

/// Whether an `Accept-Encoding` accepts gzip, and whether it accepts identity.
pub fn codings(headers: &HeaderMap) -> (bool, bool) {
    let accepted = encoding::accepted(Fields::of(headers).accept_encoding());
    (accepted.gzip, accepted.identity)
}

/// The request's own ID, if it is accepted.
pub fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = Fields::of(headers).request_id;
    id.filter(|id| request_id::is_sane(id)).cloned()
}

/// The trace and the span of a `traceparent`.
pub fn trace(headers: &HeaderMap) -> Option<(String, String)> {
    let context = TraceContext::parse(Fields::of(headers).traceparent())?;
    Some((context.trace_id.to_owned(), context.span_id.to_owned()))
}
