use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, VARY};
use hyper::{Request, StatusCode};
use tokio::sync::watch;
use tokio::time::timeout;

use super::access_log::AccessLog;
use super::fields::Fields;
use super::handler::Handler;
use super::refusal::Refusal;
use super::request_id::{self, X_REQUEST_ID};
use super::responses::{
    HOME, Response, error, failure, is_known, no_encoding, plain, refused, representation, response,
};
use super::trace_context::TraceContext;
use super::{encoding, headers, negotiate};
use crate::render::{ErrorForm, IndexPages, Representation, text};

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
                None,
                "There is nothing here: the words are listed at /.",
                None,
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
            return error(
                StatusCode::SERVICE_UNAVAILABLE,
                fields,
                None,
                "The words are being asked for their counts. Try again in a second.",
                Some(1),
            );
        };
        let wished = negotiate::format(fields.accept()).unwrap_or(&text::FORMAT);
        let (format, page) = pages.get(wished);
        let accepted = encoding::accepted(fields.accept_encoding());
        let Some((Representation { etag, body }, gzip)) = representation(page, accepted) else {
            return no_encoding(fields, None);
        };
        let mut headers = headers::other_page(format);
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(ETAG, etag.clone());
        headers.insert(VARY, headers::BY_FORMAT_AND_ENCODING);
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if is_known(fields, etag) {
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
        // An error has its id already.
        let told = fields.request_id.filter(|id| request_id::is_sane(id));
        let id = response.headers().get(X_REQUEST_ID).or(told).cloned();
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
        let id = request_id::new();
        self.log.note("-", "-", || None, status, Some(&id));
        let sentence = "The request cannot be read: send one of HTTP/1.1.";
        failure(HOME, status, ErrorForm::PlainText, id, sentence, None)
    }
}
