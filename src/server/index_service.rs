use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    RETRY_AFTER, VARY,
};
use hyper::{Request, StatusCode};
use tokio::sync::watch;
use tokio::time::timeout;

use super::access_log::AccessLog;
use super::fields::Fields;
use super::handler::Handler;
use super::refusal::Refusal;
use super::request_id::{self, X_REQUEST_ID};
use super::trace_context::TraceContext;
use super::{conditional, encoding, headers, negotiate};
use crate::render::{IndexPages, Representation, error_page, text};

type Response = hyper::Response<Full<Bytes>>;

/// The pages that are shown; none before the first round of questions.
pub type Shown = watch::Receiver<Option<Arc<IndexPages>>>;

/// How long a request waits for the first ones.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers requests for the list of all words. One for all connections.
#[derive(Debug)]
pub struct IndexService {
    shown: Shown,
    /// For how long a page may be kept: new ones come as often.
    cache_control: HeaderValue,
    log: AccessLog,
}

impl IndexService {
    /// A service over the pages that somebody renews this often.
    pub fn new(shown: Shown, period: Duration) -> Self {
        let cache_control = format!("public, max-age={}", period.as_secs());
        Self {
            shown,
            cache_control: HeaderValue::try_from(cache_control)
                .unwrap_or(HeaderValue::from_static("no-cache")),
            log: AccessLog::new(),
        }
    }
}

impl IndexService {
    async fn routed(&self, path: &str, fields: &Fields<'_>) -> Response {
        match path {
            "/" => self.list(fields).await,
            "/healthz" | "/livez" => plain(StatusCode::OK, "ok\n"),
            "/readyz" if self.shown.borrow().is_some() => plain(StatusCode::OK, "ready\n"),
            "/readyz" => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: the instances are being asked\n",
            ),
            _ => error(
                StatusCode::NOT_FOUND,
                fields,
                "There is nothing here: the words are listed at /.",
            ),
        }
    }

    async fn list(&self, fields: &Fields<'_>) -> Response {
        let mut shown = self.shown.clone();
        // A round has a limit of its own, which is longer than a client should wait.
        let pages = match timeout(PATIENCE, shown.wait_for(Option::is_some)).await {
            Ok(Ok(pages)) => pages.clone(),
            _ => None,
        };
        let Some(pages) = pages else {
            let mut response = error(
                StatusCode::SERVICE_UNAVAILABLE,
                fields,
                "The words are being asked for their counts. Try again in a second.",
            );
            response.headers_mut().insert(RETRY_AFTER, 1.into());
            return response;
        };
        let wished = negotiate::format(fields.accept()).unwrap_or(&text::FORMAT);
        let (format, page) = pages.get(wished);
        let accepted = encoding::accepted(fields.accept_encoding());
        let gzip = page.gzip.as_ref().filter(|_| accepted.gzip);
        if gzip.is_none() && !accepted.identity {
            return error(
                StatusCode::NOT_ACCEPTABLE,
                fields,
                "None of the accepted encodings is served here. There are identity and, where it is shorter, gzip.",
            );
        }
        let Representation { etag, body } = gzip.unwrap_or(&page.identity);
        let known = fields.if_none_match();
        let is_known = known.is_some_and(|known| conditional::has_already(known, etag));
        let mut headers = headers::uncached(format);
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(ETAG, etag.clone());
        headers.insert(VARY, headers::BY_FORMAT_AND_ENCODING);
        if gzip.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if is_known {
            headers.remove(CONTENT_TYPE);
            headers.remove(CONTENT_ENCODING);
            return response(StatusCode::NOT_MODIFIED, headers, Bytes::new());
        }
        response(StatusCode::OK, headers, body.clone())
    }
}

impl Handler for IndexService {
    async fn respond(&self, request: Request<Incoming>, last: bool) -> Response {
        let fields = &Fields::of(request.headers());
        let refusal = Refusal::of(&request, fields);
        let mut response = match refusal {
            Some(refusal) => refused(refusal, fields),
            None => self.routed(request.uri().path(), fields).await,
        };
        let status = response.status();
        let id = fields.request_id.filter(|id| request_id::is_sane(id)).cloned();
        let failed = status.is_client_error() || status.is_server_error();
        let id = id.or_else(|| failed.then(request_id::new));
        self.log.note(
            request.method().as_str(),
            request.uri().path(),
            || TraceContext::parse(fields.traceparent()),
            status,
            id.as_ref(),
        );
        let headers = response.headers_mut();
        if last || refusal.is_some_and(|refusal| refusal.close) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(id) = id {
            headers.insert(X_REQUEST_ID, id);
        }
        response
    }

    fn unreadable(&self, status: StatusCode) -> Response {
        let (format, body) = error_page(
            status,
            &text::FORMAT,
            "The request cannot be read: send one of HTTP/1.1.",
        );
        let mut response = response(status, headers::uncached(format), body);
        let id = request_id::new();
        self.log.note("-", "-", || None, status, Some(&id));
        response.headers_mut().insert(X_REQUEST_ID, id);
        response
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

fn error(status: StatusCode, fields: &Fields<'_>, sentence: &str) -> Response {
    let format = negotiate::format(fields.accept()).unwrap_or(&text::FORMAT);
    let (format, body) = error_page(status, format, sentence);
    let mut headers = headers::uncached(format);
    headers.insert(VARY, headers::BY_FORMAT);
    response(status, headers, body)
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response {
    response(status, headers::uncached(&text::FORMAT), body.into())
}

fn response(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
