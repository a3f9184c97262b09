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
/// A new version of the program may change a document.
const AN_HOUR: HeaderValue = HeaderValue::from_static("max-age=3600");
/// Passed on from the upstream, so that the data cannot be taken for BigQuery's numbers in any format.
const X_SAMPLE_DATA: HeaderName = HeaderName::from_static("x-sample-data");
const STANDIN: HeaderValue = HeaderValue::from_static("bigquery-standin");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Where programs find the description of the counts' JSON, with the relations of JSON Schema and RFC 8631.
const DESCRIBED: HeaderValue =
    HeaderValue::from_static(r#"<schema.json>; rel="describedby", <openapi.json>; rel="service-desc""#);

/// The fields that the responses to `/` vary by.
pub(super) const BY_FORMAT_AND_ENCODING: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
/// The same if the address names the format, or there is only one.
pub(super) const BY_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");
/// The fields that errors vary by: they are short and never encoded.
pub(super) const BY_FORMAT: HeaderValue = HeaderValue::from_static("accept");

/// The number of fields in a response, without `Connection` in the last one of a connection.
const MOST: usize = 13;

/// The header fields of the counts. The fields of each page are built once a second: copying a whole map costs a third
/// of building one.
#[derive(Debug)]
pub(super) struct PageHeaders {
    cache_control: HeaderValue,
    /// For a CSV file, and for one with sample data.
    dispositions: [HeaderValue; 2],
    /// By format; by `Accept` or by link; not encoded or in gzip.
    ready: [[[ArcSwapOption<Ready>; 2]; 2]; FORMATS.len()],
}

/// The page that is sent.
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

/// The fields of a page, and what they are valid for.
#[derive(Debug)]
struct Ready {
    sample_data: bool,
    etag: HeaderValue,
    age: u64,
    date: u64,
    fields: HeaderMap,
}

impl PageHeaders {
    /// The fields for answers about this word that count as fresh and may be served for these periods.
    pub(super) fn new(word: &Word, ttl: Duration, max_stale: Duration) -> Self {
        // Together with `Age`, a cache in front treats the page as fresh exactly as long as we do, and serves it in an
        // outage as long as we would. For a tenth of the TTL longer it may serve the page while it fetches the next
        // one, so that no client waits for that.
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

    /// For a page that the client already has.
    pub(super) fn not_modified(&self, linked: bool, etag: &HeaderValue, age: Duration) -> HeaderMap {
        self.both(linked, etag, age.as_secs(), date::this_second())
    }

    /// The fields of a page, with or without its body.
    fn both(&self, linked: bool, etag: &HeaderValue, age: u64, date: u64) -> HeaderMap {
        let mut headers = tagged(date::of(date), etag, &self.cache_control, vary(linked));
        headers.insert(AGE, age.into());
        headers
    }
}

/// The fields that a page varies by; `linked` if the address names its format, or there is only one.
pub(super) fn vary(linked: bool) -> HeaderValue {
    if linked {
        BY_ENCODING
    } else {
        BY_FORMAT_AND_ENCODING
    }
}

/// The fields of everything that may be cached, with or without its body.
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

/// Adds the fields that describe a body.
fn describe_body(headers: &mut HeaderMap, content_type: HeaderValue, gzip: bool) {
    headers.insert(CONTENT_TYPE, content_type);
    secure(headers);
    if gzip {
        headers.insert(CONTENT_ENCODING, GZIP);
    }
}

/// For a document that does not change while the program runs, with its body.
pub(super) fn document(content_type: &'static str, gzip: bool, etag: &HeaderValue) -> HeaderMap {
    let mut headers = document_not_modified(etag);
    describe_body(&mut headers, HeaderValue::from_static(content_type), gzip);
    headers
}

/// For such a document that the client already has.
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

/// For a list that the client already has.
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

/// For everything that is valid only now: probes, metrics and errors.
pub(super) fn uncached(content_type: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.insert(DATE, date::now());
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    secure(&mut headers);
    headers
}

/// For a response without a body.
pub(super) fn empty() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.insert(DATE, date::now());
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers
}

/// The fields that keep a browser from interpreting a response as anything else.
fn secure(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
}

/// Further fields that only a page needs.
fn secure_document(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, content_security_policy());
    headers.insert(REFERRER_POLICY, NO_REFERRER);
}
