use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, Request};

use super::headers::{self, CROSS_ORIGIN_RESOURCE_POLICY};
use crate::config::Origin;

/// What a script may read besides the fields that it always may.
const EXPOSED: HeaderValue = HeaderValue::from_static("age, etag, retry-after, x-request-id");
/// What it may send besides the fields that it always may.
const ALLOWED: HeaderValue = HeaderValue::from_static("if-none-match, traceparent, x-request-id");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");
/// For how long a browser need not ask again, in seconds: no browser takes more than this.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

/// Whose pages may read the answers, by Fetch's CORS protocol.
#[derive(Debug)]
pub(super) enum Cors {
    /// Each.
    Any,
    /// Those from these origins.
    Of(Vec<HeaderValue>),
}

impl Cors {
    /// None where no origin is allowed.
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

    /// Adds to a response what lets those read it who may.
    pub(super) fn open(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if let Self::Of(_) = self {
            // The answer depends on it, also where it is not there.
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

    /// The fields of the answer to a preflight: what the request itself may be. None if it is no preflight, or one from an
    /// origin that is not allowed.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<HeaderMap> {
        let asked = request.headers();
        let origin = asked.get(ORIGIN)?;
        // A star asks of the server as a whole, of which a browser has no question.
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
