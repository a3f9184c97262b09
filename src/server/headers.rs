use std::time::Duration;

use hyper::header::{
    AGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};

use super::request_id::X_REQUEST_ID;
use crate::render::{Format, content_security_policy};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The header fields that every response to `/` shares, made once and copied.
///
/// The fields that differ stand in them with an empty value: replacing one costs less than adding one.
#[derive(Debug)]
pub(super) struct PageHeaders {
    page: HeaderMap,
    not_modified: HeaderMap,
}

impl PageHeaders {
    /// The fields for answers that count as fresh for this long.
    pub(super) fn new(ttl: Duration) -> Self {
        let mut page = secured();
        page.insert(VARY, HeaderValue::from_static("accept"));
        // With the age beside it, a cache in front keeps the page exactly as long as we call it fresh.
        let cache_control = format!("public, max-age={}", ttl.as_secs());
        page.insert(
            CACHE_CONTROL,
            HeaderValue::try_from(cache_control).unwrap_or(HeaderValue::from_static("no-cache")),
        );
        for differing in [ETAG, AGE, X_REQUEST_ID] {
            page.insert(differing, HeaderValue::from_static(""));
        }
        let not_modified = page.clone();
        page.insert(CONTENT_TYPE, HeaderValue::from_static(""));
        Self { page, not_modified }
    }

    /// For a page with its body.
    pub(super) fn page(&self, format: &Format, etag: &HeaderValue, age: Duration) -> HeaderMap {
        let mut headers = fill(&self.page, etag, age);
        headers.insert(CONTENT_TYPE, format.header());
        headers
    }

    /// For a page that the client has already.
    pub(super) fn not_modified(&self, etag: &HeaderValue, age: Duration) -> HeaderMap {
        fill(&self.not_modified, etag, age)
    }
}

fn fill(template: &HeaderMap, etag: &HeaderValue, age: Duration) -> HeaderMap {
    let mut headers = template.clone();
    headers.insert(ETAG, etag.clone());
    headers.insert(AGE, HeaderValue::from(age.as_secs()));
    headers
}

/// For everything that is true only now: probes, metrics and errors.
pub(super) fn uncached(content_type: HeaderValue) -> HeaderMap {
    let mut headers = secured();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_TYPE, content_type);
    headers
}

/// What keeps a browser from making more of a response than it is.
fn secured() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, content_security_policy());
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        CROSS_ORIGIN_RESOURCE_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    headers
}
