use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper::header::{
    AGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE,
    ETAG, HeaderMap, HeaderName, HeaderValue, LINK, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};

use super::attachment::content_disposition;
use super::date;
use crate::config::Word;
use crate::render::{ErrorForm, FORMATS, Format, content_security_policy, csv, html, json};

pub(super) const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// A new version may change a document.
const AN_HOUR: HeaderValue = HeaderValue::from_static("max-age=3600");
/// Passed on from whoever answered, so that no format can be taken for BigQuery's numbers.
const X_SAMPLE_DATA: HeaderName = HeaderName::from_static("x-sample-data");
const STANDIN: HeaderValue = HeaderValue::from_static("bigquery-standin");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Where a program finds what the counts as JSON look like, by JSON Schema's and RFC 8631's relations.
const DESCRIBED: HeaderValue =
    HeaderValue::from_static(r#"<schema.json>; rel="describedby", <openapi.json>; rel="service-desc""#);

/// What the answers to `/` depend on.
pub(super) const BY_FORMAT_AND_ENCODING: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
/// The same where the address names the format, or there is only one.
pub(super) const BY_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");
/// What errors depend on: they are short and never encoded.
pub(super) const BY_FORMAT: HeaderValue = HeaderValue::from_static("accept");

/// As many fields as a response has, but for `Connection` in the last of a connection.
const MOST: usize = 13;

/// The header fields of the counts. Each page's are made once a second: to copy a whole map costs a third of
/// putting one together.
#[derive(Debug)]
pub(super) struct PageHeaders {
    cache_control: HeaderValue,
    /// Of a file of CSV, and of one with sample data.
    dispositions: [HeaderValue; 2],
    /// By format, each by `Accept` and by a link, as it is and in gzip.
    ready: [[[ArcSwapOption<Ready>; 2]; 2]; FORMATS.len()],
}

/// What is sent of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) format: &'a Format,
    /// Whether the address named the format.
    pub(super) linked: bool,
    pub(super) gzip: bool,
    /// Whether the numbers are the stand-in's.
    pub(super) sample_data: bool,
    pub(super) etag: &'a HeaderValue,
}

/// The fields of a page, and for what they are right.
#[derive(Debug)]
struct Ready {
    sample_data: bool,
    etag: HeaderValue,
    age: u64,
    date: u64,
    fields: HeaderMap,
}

impl PageHeaders {
    /// The fields for answers about this word that count as fresh and may be served for this long.
    pub(super) fn new(word: &Word, ttl: Duration, max_stale: Duration) -> Self {
        // With the age beside it, a cache in front takes the page for fresh exactly as long as we do, and in an outage shows
        // it as long as we would. For a tenth more it may show the page while it fetches the next one, so that nobody waits
        // for that.
        let cache_control = format!(
            "max-age={}, stale-while-revalidate={}, stale-if-error={}",
            ttl.as_secs(),
            (ttl / 10).min(max_stale.saturating_sub(ttl)).as_secs(),
            max_stale.saturating_sub(ttl).as_secs()
        );
        Self {
            dispositions: ["", "sample-"].map(|prefix| content_disposition(prefix, word, csv::FORMAT.name)),
            cache_control: HeaderValue::try_from(cache_control)
                .unwrap_or(HeaderValue::from_static("no-cache")),
            ready: Default::default(),
        }
    }

    /// For a page with its body.
    pub(super) fn page(&self, page: &Sent<'_>, age: Duration) -> HeaderMap {
        let Sent {
            format,
            linked,
            gzip,
            sample_data,
            etag,
        } = *page;
        let (age, date) = (age.as_secs(), date::this_second());
        let place = FORMATS.iter().position(|known| known == format);
        let place = place.and_then(|format| {
            let by_format = self.ready.get(format)?;
            by_format.get(usize::from(linked))?.get(usize::from(gzip))
        });
        let ready = place.map(ArcSwapOption::load);
        if let Some(Some(ready)) = ready.as_deref().map(Option::as_deref)
            && (ready.age, ready.date) == (age, date)
            && ready.sample_data == sample_data
            && ready.etag == etag
        {
            return ready.fields.clone();
        }
        let fields = self.made(page, age, date);
        if let Some(place) = place {
            place.store(Some(Arc::new(Ready {
                sample_data,
                etag: etag.clone(),
                age,
                date,
                fields: fields.clone(),
            })));
        }
        fields
    }

    fn made(&self, page: &Sent<'_>, age: u64, date: u64) -> HeaderMap {
        let Sent {
            format,
            linked,
            gzip,
            sample_data,
            etag,
        } = *page;
        let mut headers = self.both(linked, etag, age, date);
        describe_body(&mut headers, format.header(), gzip);
        if sample_data {
            headers.insert(X_SAMPLE_DATA, STANDIN);
        }
        if *format == html::FORMAT {
            secure_document(&mut headers);
        } else if *format == json::FORMAT {
            headers.insert(LINK, DESCRIBED);
        } else if linked && *format == csv::FORMAT {
            let [own, sample] = &self.dispositions;
            let disposition = if sample_data { sample } else { own };
            headers.insert(CONTENT_DISPOSITION, disposition.clone());
        }
        headers
    }

    /// For a page that the client has already.
    pub(super) fn not_modified(&self, linked: bool, etag: &HeaderValue, age: Duration) -> HeaderMap {
        self.both(linked, etag, age.as_secs(), date::this_second())
    }

    /// What a page has with its body and without.
    fn both(&self, linked: bool, etag: &HeaderValue, age: u64, date: u64) -> HeaderMap {
        let mut headers = tagged(date::of(date), etag, &self.cache_control, vary(linked));
        headers.insert(AGE, age.into());
        headers
    }
}

/// What a page depends on; `linked` where the address names its format, or there is only one.
pub(super) fn vary(linked: bool) -> HeaderValue {
    if linked {
        BY_ENCODING
    } else {
        BY_FORMAT_AND_ENCODING
    }
}

/// What everything that may be kept has, with its body and without.
fn tagged(
    date: HeaderValue,
    etag: &HeaderValue,
    cache_control: &HeaderValue,
    vary: HeaderValue,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.insert(DATE, date);
    headers.insert(ETAG, etag.clone());
    headers.insert(CACHE_CONTROL, cache_control.clone());
    headers.insert(VARY, vary);
    headers
}

/// Adds what comes with a body.
fn describe_body(headers: &mut HeaderMap, content_type: HeaderValue, gzip: bool) {
    headers.insert(CONTENT_TYPE, content_type);
    secure(headers);
    if gzip {
        headers.insert(CONTENT_ENCODING, GZIP);
    }
}

/// For a document that stays the same as long as the program does, with its body.
pub(super) fn document(content_type: &'static str, gzip: bool, etag: &HeaderValue) -> HeaderMap {
    let mut headers = document_not_modified(etag);
    describe_body(&mut headers, HeaderValue::from_static(content_type), gzip);
    headers
}

/// For such a document that the client has already.
pub(super) fn document_not_modified(etag: &HeaderValue) -> HeaderMap {
    tagged(date::now(), etag, &AN_HOUR, BY_ENCODING)
}

/// For the list of all words, with its body.
pub(super) fn list(
    format: &Format,
    linked: bool,
    gzip: bool,
    etag: &HeaderValue,
    cache_control: &HeaderValue,
) -> HeaderMap {
    let mut headers = list_not_modified(linked, etag, cache_control);
    describe_body(&mut headers, format.header(), gzip);
    if *format == html::FORMAT {
        secure_document(&mut headers);
    }
    headers
}

/// For a list that the client has already.
pub(super) fn list_not_modified(linked: bool, etag: &HeaderValue, cache_control: &HeaderValue) -> HeaderMap {
    tagged(date::now(), etag, cache_control, vary(linked))
}

/// For an error.
pub(super) fn error(form: ErrorForm) -> HeaderMap {
    let mut headers = uncached(form.header());
    if form == ErrorForm::Html {
        secure_document(&mut headers);
    }
    headers
}

/// For everything that is true only now: probes, metrics and errors.
pub(super) fn uncached(content_type: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.insert(DATE, date::now());
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    secure(&mut headers);
    headers
}

/// For an answer of nothing but fields.
pub(super) fn empty() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.insert(DATE, date::now());
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers
}

/// What keeps a browser from making more of a response than it is.
fn secure(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
}

/// What else only a page needs.
fn secure_document(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, content_security_policy());
    headers.insert(REFERRER_POLICY, NO_REFERRER);
}
