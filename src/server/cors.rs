use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, Request};

use super::headers::{self, CROSS_ORIGIN_RESOURCE_POLICY};
use crate::config::Origin;

/// The fields that a script may read, besides those that are always allowed.
const EXPOSED: HeaderValue = HeaderValue::from_static("age, etag, retry-after, x-request-id");
/// The fields that a script may send, besides those that are always allowed.
const ALLOWED: HeaderValue = HeaderValue::from_static("if-none-match, traceparent, x-request-id");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");
/// For how many seconds a browser may cache a preflight's result: no browser accepts more than this.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

/// The origins whose pages may read the responses (the CORS protocol of the Fetch standard).
#[derive(Debug)]
pub(super) enum Cors {
    /// Any origin.
    Any,
    /// These origins.
    Of(Vec<HeaderValue>),
}

impl Cors {
    /// None if no origin is allowed.
    pub(super) fn new(origins: &[Origin]) -> Option<Self> {
        if origins.iter().any(Origin::is_any) {
            return Some(Self::Any);
        }
        let origins = origins
            .iter()
            .map(|origin| HeaderValue::from_str(origin.as_str()));
        let origins: Vec<_> = origins.filter_map(Result::ok).collect();
        (!origins.is_empty()).then_some(Self::Of(origins))
    }

    /// Adds the fields that allow an origin's scripts to read a response.
    pub(super) fn open(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if let Self::Of(_) = self {
            // The response depends on the origin, even if the request has none.
            let vary = match headers.get(VARY).and_then(|vary| vary.to_str().ok()) {
                Some(vary) => HeaderValue::try_from(format!("{vary}, origin")),
                None => Ok(HeaderValue::from_static("origin")),
            };
            headers.insert(VARY, vary.unwrap_or(HeaderValue::from_static("*")));
        }
        if let Some(allowed) = self.allowed(origin) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, CROSS_ORIGIN);
        }
    }

    /// The fields of the response to a preflight, which describe the allowed requests. None if the request is not a
    /// preflight, or its origin is not allowed.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<HeaderMap> {
        let asked = request.headers();
        let origin = asked.get(ORIGIN)?;
        // The target `*` means the server as a whole, which a browser never asks about.
        let is_preflight = *request.method() == Method::OPTIONS
            && request.uri().path().starts_with('/')
            && asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        self.allowed(Some(origin)).filter(|_| is_preflight)?;
        let mut headers = headers::empty();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        Some(headers)
    }

    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match self {
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::Of(origins) => origins.iter().find(|known| Some(*known) == origin).cloned(),
        }
    }
}
