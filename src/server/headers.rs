use std::cell::RefCell;
use std::time::Duration;

use hyper::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};

use crate::render::{Format, content_security_policy, html};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const EMPTY: HeaderValue = HeaderValue::from_static("");

/// What the answers to `/` depend on.
pub(super) const BY_FORMAT_AND_ENCODING: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
/// What errors depend on: they are short and never encoded.
pub(super) const BY_FORMAT: HeaderValue = HeaderValue::from_static("accept");

/// As many fields as a response has, but for `Connection` in the last of a connection.
const MOST: usize = 12;

/// The header fields of the responses to `/`. What can be made ahead is.
#[derive(Debug)]
pub(super) struct PageHeaders {
    cache_control: HeaderValue,
    policy: HeaderValue,
}

impl PageHeaders {
    /// The fields for answers that count as fresh for this long.
    pub(super) fn new(ttl: Duration) -> Self {
        // With the age beside it, a cache in front keeps the page exactly as long as we call it fresh.
        let cache_control = format!("public, max-age={}", ttl.as_secs());
        Self {
            cache_control: HeaderValue::try_from(cache_control)
                .unwrap_or(HeaderValue::from_static("no-cache")),
            policy: content_security_policy(),
        }
    }

    /// For a page with its body.
    pub(super) fn page(
        &self,
        used: HeaderMap,
        format: &Format,
        gzip: bool,
        etag: &HeaderValue,
        age: Duration,
    ) -> HeaderMap {
        let mut headers = self.not_modified(used, etag, age);
        headers.insert(CONTENT_TYPE, format.header());
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
        if *format == html::FORMAT {
            headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
            headers.insert(REFERRER_POLICY, NO_REFERRER);
        }
        if gzip {
            headers.insert(CONTENT_ENCODING, GZIP);
        }
        headers
    }

    /// For a page that the client has already.
    pub(super) fn not_modified(&self, used: HeaderMap, etag: &HeaderValue, age: Duration) -> HeaderMap {
        let mut headers = emptied(used);
        headers.insert(ETAG, etag.clone());
        headers.insert(AGE, whole_seconds(age));
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(VARY, BY_FORMAT_AND_ENCODING);
        headers
    }
}

/// The request's map without its fields: to take its memory costs less than to ask for more. One that is larger than any
/// of ours is let go, since hyper keeps it with the connection for the next request.
fn emptied(mut used: HeaderMap) -> HeaderMap {
    if (MOST..=2 * MOST).contains(&used.capacity()) {
        used.clear();
        used
    } else {
        HeaderMap::with_capacity(MOST)
    }
}

/// The value of `Age`, made at most once a second.
fn whole_seconds(age: Duration) -> HeaderValue {
    thread_local! {
        static MADE: RefCell<(u64, HeaderValue)> = const { RefCell::new((u64::MAX, EMPTY)) };
    }
    let seconds = age.as_secs();
    MADE.with_borrow_mut(|(made, value)| {
        if *made != seconds {
            (*made, *value) = (seconds, HeaderValue::from(seconds));
        }
        value.clone()
    })
}

/// For everything that is true only now: probes, metrics and errors.
pub(super) fn uncached(format: &Format) -> HeaderMap {
    let mut headers = uncached_as(format.header());
    if *format == html::FORMAT {
        headers.insert(CONTENT_SECURITY_POLICY, content_security_policy());
        headers.insert(REFERRER_POLICY, NO_REFERRER);
    }
    headers
}

/// The same for what is in no format of ours.
pub(super) fn uncached_as(content_type: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
    headers
}
