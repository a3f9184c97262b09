use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, ORIGIN, RETRY_AFTER};
use hyper::{Request, StatusCode};
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use super::access_log::AccessLog;
use super::cors::Cors;
use super::fields::Fields;
use super::handler::Handler;
use super::headers::{self, PageHeaders, Sent};
use super::limits::Limits;
use super::refusal::Refusal;
use super::request_id::{self, X_REQUEST_ID};
use super::responses::{
    HOME, Response, error, failure, fixed, is_known, no_answer, no_encoding, no_format, not_found, plain,
    refused, representation, response, whole_seconds,
};
use super::route::Route;
use super::target::Target;
use super::trace_context::TraceContext;
use super::{documents, encoding, metrics_format, negotiate};
use crate::cache::{Cache, Lookup};
use crate::cause::chain;
use crate::clock::BootTime;
use crate::config::{Origin, Word};
use crate::render::{ErrorForm, Representation};
use crate::telemetry::{Metrics, RequestLabels, RequestName, is_slow};

/// Answers requests from the cache. All connections share it.
#[derive(Debug)]
pub struct Service {
    cache: Arc<Cache>,
    metrics: Arc<Metrics>,
    /// Until this moment, requests wait for the first refresh.
    first_answer_by: Instant,
    page_headers: PageHeaders,
    cors: Option<Cors>,
    log: AccessLog,
    /// The counter for nearly every request, so that it need not be looked up.
    pages_served: Counter,
}

impl Service {
    /// A service for a cache that a refresh fills with the counts of a word. Pages of these origins may read the
    /// answers.
    pub fn new(
        cache: Arc<Cache>,
        metrics: Arc<Metrics>,
        limits: &Limits,
        word: &Word,
        cors_origins: &[Origin],
    ) -> Self {
        let pages_served = metrics
            .requests
            .get_or_create_owned(&labels(Route::Counts, StatusCode::OK));
        Self {
            page_headers: PageHeaders::new(word, cache.ttl, cache.max_stale),
            cors: Cors::new(cors_origins),
            cache,
            metrics,
            first_answer_by: Instant::now() + limits.first_answer,
            log: AccessLog::new(),
            pages_served,
        }
    }

    /// The response to a request that is not refused.
    fn routed(&self, target: &Target, path: &str, fields: &Fields<'_>, now: BootTime) -> Response {
        match target.route {
            Route::Counts | Route::Link => self.counts(target, fields, now),
            Route::Health | Route::Live => plain(StatusCode::OK, "ok\n"),
            Route::Ready => self.ready(),
            Route::Metrics => self.metrics(fields),
            Route::OpenApi | Route::Schema => match documents::of(target.route) {
                Some(document) => fixed(document, fields),
                None => not_found(fields, path),
            },
            Route::Other => not_found(fields, path),
        }
    }

    fn counts(&self, target: &Target, fields: &Fields<'_>, now: BootTime) -> Response {
        let linked = target.format;
        let Some(format) = linked.or_else(|| negotiate::format(fields.accept())) else {
            return no_format(fields);
        };
        match self.cache.lookup_at(now) {
            Lookup::Found(entry, age) => {
                let stale = self.cache.is_stale(age);
                let Some(page) = entry.pages.get(format, target.order, stale) else {
                    return no_format(fields);
                };
                let accepted = encoding::accepted(fields.accept_encoding());
                let Some((Representation { etag, body }, gzip)) = representation(page, accepted) else {
                    return no_encoding(fields, linked);
                };
                if is_known(fields, etag) {
                    let headers = self.page_headers.not_modified(linked.is_some(), etag, age);
                    return response(StatusCode::NOT_MODIFIED, headers, Bytes::new());
                }
                let sent = Sent {
                    format,
                    linked: linked.is_some(),
                    gzip,
                    sample_data: entry.pages.sample_data,
                    etag,
                };
                let headers = self.page_headers.page(&sent, age);
                response(StatusCode::OK, headers, body.clone())
            }
            Lookup::Missing { retry_after, .. } => no_answer(fields, linked, retry_after),
        }
    }

    /// Because of this wait, a restart under load loses no request: the first refresh takes a second or two. If
    /// BigQuery is down it takes up to its timeout, so the wait is measured from the start and not from the request.
    async fn first_answer(&self) -> BootTime {
        let left = self.first_answer_by.saturating_duration_since(Instant::now());
        self.cache.attempted(left).await;
        self.cache.clock.now()
    }

    /// The response to a browser's preflight request; none if the request is not an allowed preflight.
    fn preflight<B>(&self, request: &Request<B>, refusal: Refusal, route: Route) -> Option<Response> {
        let is_by_method = refusal.status == StatusCode::METHOD_NOT_ALLOWED;
        let cors = self.cors.as_ref().filter(|_| is_by_method && route.is_public())?;
        let headers = cors.preflight(request)?;
        Some(response(StatusCode::NO_CONTENT, headers, Bytes::new()))
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
                headers::uncached(HeaderValue::from_static(format.content_type())),
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
        let named = || Target::named_format(route, request.uri());
        let mut now = begun;
        let mut response = match refusal {
            Some(refusal) => self
                .preflight(&request, refusal, route)
                .unwrap_or_else(|| refused(refusal, fields, named())),
            None => match Target::of(route, request.uri()) {
                Ok(target) => {
                    if target.is_counts() && !self.cache.is_attempted() {
                        // Boxed: otherwise the future of every request, which hyper moves, would have space for it.
                        now = Box::pin(self.first_answer()).await;
                    }
                    self.routed(&target, request.uri().path(), fields, now)
                }
                Err(sentence) => error(StatusCode::BAD_REQUEST, fields, named(), &sentence, None),
            },
        };
        if let Some(cors) = self.cors.as_ref().filter(|_| route.is_public()) {
            cors.open(request.headers().get(ORIGIN), response.headers_mut());
        }
        let took = self.cache.clock.now().saturating_duration_since(begun);
        let status = response.status();
        let failed = status.is_client_error() || status.is_server_error();
        let mut id = fields.request_id.filter(|id| request_id::is_sane(id)).cloned();
        if failed && id.is_none() {
            // An error may already have an ID, because its body contains it.
            id = response.headers().get(X_REQUEST_ID).cloned();
        }
        // A page without an ID in the request gets none: a cache would give the same one to every client.
        let is_told = failed || id.is_some();
        if failed || is_slow(took) {
            // The ID finds its log line, or its exemplar in the metrics. Other requests have neither.
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
            "The request cannot be read: send it in HTTP/1.1."
        };
        let id = request_id::new();
        self.log.note("-", "-", || None, status, Some(&id));
        // The media types that the client accepts are not known.
        let response = failure(HOME, status, ErrorForm::PlainText, id, sentence, None);
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
