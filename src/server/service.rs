use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, HeaderMap, HeaderValue, RETRY_AFTER, VARY};
use hyper::{Request, StatusCode};
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use super::access_log::AccessLog;
use super::fields::Fields;
use super::handler::Handler;
use super::headers::{self, PageHeaders};
use super::limits::Limits;
use super::refusal::Refusal;
use super::request_id::{self, X_REQUEST_ID};
use super::route::Route;
use super::trace_context::TraceContext;
use super::{conditional, encoding, metrics_format, negotiate};
use crate::cache::{Cache, Lookup};
use crate::cause::chain;
use crate::clock::BootTime;
use crate::render::{FORMATS, Format, Representation, error_page, text};
use crate::telemetry::{Metrics, RequestLabels, RequestName, is_slow};

type Response = hyper::Response<Full<Bytes>>;

/// Answers requests from the cache. One for all connections.
#[derive(Debug)]
pub struct Service {
    cache: Arc<Cache>,
    metrics: Arc<Metrics>,
    /// Until then, requests wait for the first refresh.
    first_answer_by: Instant,
    page_headers: PageHeaders,
    log: AccessLog,
    /// The counter of what nearly every request is, so that it need not be looked up.
    pages_served: Counter,
}

impl Service {
    /// A service over a cache that a refresh fills.
    pub fn new(cache: Arc<Cache>, metrics: Arc<Metrics>, limits: &Limits) -> Self {
        let pages_served = metrics
            .requests
            .get_or_create_owned(&labels(Route::Counts, StatusCode::OK));
        Self {
            page_headers: PageHeaders::new(cache.ttl),
            cache,
            metrics,
            first_answer_by: Instant::now() + limits.first_answer,
            log: AccessLog::new(),
            pages_served,
        }
    }

    /// The response to a request that is not refused.
    fn routed(&self, route: Route, fields: &Fields<'_>, now: BootTime) -> Response {
        match route {
            Route::Counts => self.counts(fields, now),
            Route::Health | Route::Live => plain(StatusCode::OK, "ok\n"),
            Route::Ready => self.ready(),
            Route::Metrics => self.metrics(fields),
            Route::Other => error(
                StatusCode::NOT_FOUND,
                fields,
                "There is nothing here: the counts are at /.",
            ),
        }
    }

    fn counts(&self, fields: &Fields<'_>, now: BootTime) -> Response {
        let Some(format) = negotiate::format(fields.accept()) else {
            return not_acceptable();
        };
        let accepted = encoding::accepted(fields.accept_encoding());
        if !accepted.gzip && !accepted.identity {
            return no_encoding();
        }
        match self.cache.lookup_at(now) {
            Lookup::Found(entry, age) => {
                let Some(page) = entry.pages.get(format) else {
                    return not_acceptable();
                };
                let gzip = page.gzip.as_ref().filter(|_| accepted.gzip);
                if gzip.is_none() && !accepted.identity {
                    return no_encoding();
                }
                let Representation { etag, body } = gzip.unwrap_or(&page.identity);
                let known = fields.if_none_match();
                if known.is_some_and(|known| conditional::has_already(known, etag)) {
                    let headers = self.page_headers.not_modified(etag, age);
                    return response(StatusCode::NOT_MODIFIED, headers, Bytes::new());
                }
                let headers = self.page_headers.page(format, gzip.is_some(), etag, age);
                response(StatusCode::OK, headers, body.clone())
            }
            Lookup::Missing { retry_after, .. } => no_answer(fields, retry_after),
        }
    }

    /// A restart under load loses no request: the first refresh takes a second or two. If BigQuery is down it takes up to
    /// its timeout, so that the wait counts from the start and not from the request.
    async fn first_answer(&self) -> BootTime {
        let left = self.first_answer_by.saturating_duration_since(Instant::now());
        self.cache.attempted(left).await;
        self.cache.clock.now()
    }

    fn ready(&self) -> Response {
        let (reason, retry_after) = match self.cache.lookup() {
            Lookup::Found(..) => return plain(StatusCode::OK, "ready\n"),
            Lookup::Missing { reason, retry_after } => (reason, retry_after),
        };
        let why = reason.map_or("an answer is being fetched", |reason| reason.sentence());
        let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n"));
        response
            .headers_mut()
            .insert(RETRY_AFTER, whole_seconds(retry_after).into());
        response
    }

    fn metrics(&self, fields: &Fields<'_>) -> Response {
        let format = metrics_format::of(fields.accept());
        match self.metrics.render_as(format) {
            Ok(body) => response(
                StatusCode::OK,
                headers::uncached_as(HeaderValue::from_static(format.content_type())),
                body.into(),
            ),
            Err(error) => {
                tracing::error!(cause = chain(&error), "cannot write the metrics");
                plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The metrics cannot be written.\n",
                )
            }
        }
    }
}

impl Handler for Service {
    async fn respond(&self, request: Request<Incoming>, last: bool) -> Response {
        let begun = self.cache.clock.now();
        let fields = &Fields::of(request.headers());
        let refusal = Refusal::of(&request, fields);
        let route = Route::of(request.uri().path());
        let mut now = begun;
        if refusal.is_none() && route == Route::Counts && !self.cache.is_attempted() {
            // In a box: else the future of every request, which hyper moves, has room for it.
            now = Box::pin(self.first_answer()).await;
        }
        let mut response = match refusal {
            Some(refusal) => refused(refusal, fields),
            None => self.routed(route, fields, now),
        };
        let took = self.cache.clock.now().saturating_duration_since(begun);
        let status = response.status();
        let mut id = fields.request_id.filter(|id| request_id::is_sane(id)).cloned();
        let failed = status.is_client_error() || status.is_server_error();
        // A page has no id of its own: a cache would give it to everyone.
        let is_told = failed || id.is_some();
        if failed || is_slow(took) {
            // Its line in the log, or its example in the metrics, is found by it. The others have neither.
            id = id.or_else(|| Some(request_id::new()));
        }
        let trace = || TraceContext::parse(fields.traceparent());
        self.log.note(
            request.method().as_str(),
            request.uri().path(),
            trace,
            status,
            id.as_ref(),
        );
        self.metrics.durations.observe(route.number(), took, || {
            Some(RequestName {
                request_id: id.as_ref()?.to_str().ok()?.to_owned(),
                trace_id: trace().map(|trace| trace.trace_id.to_owned()),
            })
        });
        let headers = response.headers_mut();
        if last || refusal.is_some_and(|refusal| refusal.close) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(id) = id.filter(|_| is_told) {
            headers.insert(X_REQUEST_ID, id);
        }
        if (route, status) == (Route::Counts, StatusCode::OK) {
            self.pages_served.inc();
        } else {
            self.metrics.requests.get_or_create(&labels(route, status)).inc();
        }
        response
    }

    fn unreadable(&self, status: StatusCode) -> Response {
        let sentence = if status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
            "The head of the request is too large: send fewer or shorter header fields."
        } else {
            "The request cannot be read: send one of HTTP/1.1."
        };
        // What it would accept is not known.
        let (format, body) = error_page(status, &text::FORMAT, sentence);
        let mut response = response(status, headers::uncached(format), body);
        let id = request_id::new();
        self.log.note("-", "-", || None, status, Some(&id));
        response.headers_mut().insert(X_REQUEST_ID, id);
        self.metrics
            .requests
            .get_or_create(&labels(Route::Other, status))
            .inc();
        response
    }

    fn opened(&self) {
        self.metrics.connections.inc();
    }

    fn closed(&self) {
        self.metrics.connections.dec();
    }

    fn refused(&self) {
        self.metrics.connections_refused.inc();
    }
}

fn labels(route: Route, status: StatusCode) -> RequestLabels {
    RequestLabels {
        path: route.name(),
        status: status.as_u16(),
    }
}

fn refused(refusal: Refusal, fields: &Fields<'_>) -> Response {
    let mut response = error(refusal.status, fields, refusal.sentence);
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn not_acceptable() -> Response {
    let kinds: Vec<&str> = FORMATS.iter().map(Format::media_type).collect();
    let kinds = kinds.join(", ");
    let mut response = plain(
        StatusCode::NOT_ACCEPTABLE,
        format!("None of the accepted media types is served here. There are {kinds}.\n"),
    );
    response
        .headers_mut()
        .insert(VARY, headers::BY_FORMAT_AND_ENCODING);
    response
}

fn no_encoding() -> Response {
    let mut response = plain(
        StatusCode::NOT_ACCEPTABLE,
        "None of the accepted encodings is served here. There are identity and, where it is shorter, gzip.\n",
    );
    response
        .headers_mut()
        .insert(VARY, headers::BY_FORMAT_AND_ENCODING);
    response
}

/// What a client is told when there is nothing to show: when to come back, and not why.
fn no_answer(fields: &Fields<'_>, retry_after: Duration) -> Response {
    let seconds = whole_seconds(retry_after);
    let plural = if seconds == 1 { "" } else { "s" };
    let sentence = format!("The counts are not available yet. Try again in {seconds} second{plural}.");
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, fields, &sentence);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

/// Rounded up, and never "at once".
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).clamp(1, u64::MAX.into()) as u64
}

fn error(status: StatusCode, fields: &Fields<'_>, sentence: &str) -> Response {
    let format = negotiate::format(fields.accept()).unwrap_or(&text::FORMAT);
    let (format, body) = error_page(status, format, sentence);
    let mut headers = headers::uncached(format);
    headers.insert(VARY, headers::BY_FORMAT);
    response(status, headers, body)
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let headers = headers::uncached(&text::FORMAT);
    response(status, headers, body.into())
}

fn response(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
