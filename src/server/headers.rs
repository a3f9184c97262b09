use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE, ETAG, HeaderMap,
    HeaderName, HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};

use super::date;
use crate::render::{FORMATS, Format, content_security_policy, html};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// What the answers to `/` depend on.
pub(super) const BY_FORMAT_AND_ENCODING: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
/// What errors depend on: they are short and never encoded.
pub(super) const BY_FORMAT: HeaderValue = HeaderValue::from_static("accept");

/// As many fields as a response has, but for `Connection` in the last of a connection.
const MOST: usize = 12;

/// The header fields of the responses to `/`. Each page's are made once a second: to copy a whole map costs a third of
/// putting one together.
#[derive(Debug)]
pub(super) struct PageHeaders {
    cache_control: HeaderValue,
    /// By format, as it is and in gzip.
    ready: [[ArcSwapOption<Ready>; 2]; FORMATS.len()],
}

/// The fields of a page, and for what they are right.
#[derive(Debug)]
struct Ready {
    etag: HeaderValue,
    age: u64,
    date: u64,
    fields: HeaderMap,
}

impl PageHeaders {
    /// The fields for answers that count as fresh for this long.
    pub(super) fn new(ttl: Duration) -> Self {
        // With the age beside it, a cache in front keeps the page exactly as long as we call it fresh.
        let cache_control = format!("public, max-age={}", ttl.as_secs());
        Self {
            cache_control: HeaderValue::try_from(cache_control)
                .unwrap_or(HeaderValue::from_static("no-cache")),
            ready: Default::default(),
        }
    }

    /// For a page with its body.
    pub(super) fn page(&self, format: &Format, gzip: bool, etag: &HeaderValue, age: Duration) -> HeaderMap {
        let (age, date) = (age.as_secs(), date::this_second());
        let place = FORMATS.iter().position(|known| known == format);
        let place = place.and_then(|format| self.ready.get(format)?.get(usize::from(gzip)));
        let ready = place.map(ArcSwapOption::load);
        if let Some(Some(ready)) = ready.as_deref().map(Option::as_deref)
            && (ready.age, ready.date) == (age, date)
            && ready.etag == etag
        {
            return ready.fields.clone();
        }
        let fields = self.made(format, gzip, etag, age, date);
        if let Some(place) = place {
            place.store(Some(Arc::new(Ready {
                etag: etag.clone(),
                age,
                date,
                fields: fields.clone(),
            })));
        }
        fields
    }

    fn made(&self, format: &Format, gzip: bool, etag: &HeaderValue, age: u64, date: u64) -> HeaderMap {
        let mut headers = self.both(etag, age, date);
        headers.insert(CONTENT_TYPE, format.header());
        secure(&mut headers);
        secure_document(&mut headers, format);
        if gzip {
            headers.insert(CONTENT_ENCODING, GZIP);
        }
        headers
    }

    /// For a page that the client has already.
    pub(super) fn not_modified(&self, etag: &HeaderValue, age: Duration) -> HeaderMap {
        self.both(etag, age.as_secs(), date::this_second())
    }

    /// What a page has with its body and without.
    fn both(&self, etag: &HeaderValue, age: u64, date: u64) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(MOST);
        headers.insert(DATE, date::of(date));
        headers.insert(ETAG, etag.clone());
        headers.insert(AGE, age.into());
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(VARY, BY_FORMAT_AND_ENCODING);
        headers
    }
}

/// For everything that is true only now: probes, metrics and errors.
pub(super) fn uncached(format: &Format) -> HeaderMap {
    let mut headers = uncached_as(format.header());
    secure_document(&mut headers, format);
    headers
}

/// The same for what is in no format of ours.
pub(super) fn uncached_as(content_type: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.insert(DATE, date::now());
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    secure(&mut headers);
    headers
}

/// What keeps a browser from making more of a response than it is.
fn secure(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
}

/// What else only a document needs.
fn secure_document(headers: &mut HeaderMap, format: &Format) {
    if *format == html::FORMAT {
        headers.insert(CONTENT_SECURITY_POLICY, content_security_policy());
        headers.insert(REFERRER_POLICY, NO_REFERRER);
    }
}
