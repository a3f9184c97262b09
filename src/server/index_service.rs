use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use tokio::sync::watch;
use tokio::time::timeout;

use super::access_log::AccessLog;
use super::encoding;
use super::fields::Fields;
use super::handler::Handler;
use super::headers;
use super::negotiate;
use super::refusal::Refusal;
use super::request_id::{self, X_REQUEST_ID};
use super::responses::{
    HOME, Response, error, failure, is_known, no_encoding, nothing_here, plain, refused, representation,
    response,
};
use super::route::Route;
use super::target::Target;
use super::trace_context::TraceContext;
use crate::render::{ErrorForm, IndexPages, Representation, text};

/// The pages that are served; none before the first round of requests to the instances.
pub type Shown = watch::Receiver<Option<Arc<IndexPages>>>;

/// How long a request waits for the first pages.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers requests for the list of all words. All connections share it.
#[derive(Debug)]
pub struct IndexService {
    shown: Shown,
    /// How long a page may be cached: new ones appear at this interval.
    cache_control: HeaderValue,
    log: AccessLog,
}

impl IndexService {
    /// A service for pages that another task renews at this interval.
    pub fn new(shown: Shown, period: Duration) -> Self {
        let cache_control = format!("max-age={}", period.as_secs());
        Self {
            shown,
            cache_control: HeaderValue::try_from(cache_control)
                .unwrap_or(HeaderValue::from_static("no-cache")),
            log: AccessLog::new(),
        }
    }

    async fn routed(&self, address: &Uri, fields: &Fields<'_>) -> Response {
        match Route::of(address.path()) {
            Route::Counts => self.list(address, fields).await,
            Route::Health | Route::Live => plain(StatusCode::OK, "ok\n"),
            Route::Ready if self.shown.borrow().is_some() => plain(StatusCode::OK, "ready\n"),
            Route::Ready => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: the counts are still being collected\n",
            ),
            _ => {
                let sentence = "There is nothing here: the words are listed at /.";
                nothing_here(fields, address.path(), sentence)
            }
        }
    }

    async fn list(&self, address: &Uri, fields: &Fields<'_>) -> Response {
        let linked = match Target::of(Route::Counts, address) {
            Ok(target) => target.format,
            Err(sentence) => {
                let named = Target::named_format(Route::Counts, address);
                return error(StatusCode::BAD_REQUEST, fields, named, &sentence, None);
            }
        };
        let mut shown = self.shown.clone();
        // A round has its own limit, which is longer than a client should wait.
        let pages = match timeout(PATIENCE, shown.wait_for(Option::is_some)).await {
            Ok(Ok(pages)) => pages.clone(),
            _ => None,
        };
        let Some(pages) = pages else {
            let sentence = "The counts are still being collected. Try again in a second.";
            return error(StatusCode::SERVICE_UNAVAILABLE, fields, linked, sentence, Some(1));
        };
        let wished = linked.or_else(|| negotiate::format(fields.accept()));
        let (format, page) = pages.get(wished.unwrap_or(&text::FORMAT));
        if linked.is_some_and(|linked| linked != format) {
            let sentence = "The list of words is served as html, json and txt.";
            return error(StatusCode::BAD_REQUEST, fields, linked, sentence, None);
        }
        let accepted = encoding::accepted(fields.accept_encoding());
        let Some((Representation { etag, body }, gzip)) = representation(page, accepted) else {
            return no_encoding(fields, linked);
        };
        let linked = linked.is_some();
        if is_known(fields, etag) {
            let headers = headers::list_not_modified(linked, etag, &self.cache_control);
            return response(StatusCode::NOT_MODIFIED, headers, Bytes::new());
        }
        let headers = headers::list(format, linked, gzip, etag, &self.cache_control);
        response(StatusCode::OK, headers, body.clone())
    }
}

impl Handler for IndexService {
    async fn respond(&self, request: Request<Incoming>, last: bool) -> Response {
        let fields = &Fields::of(request.headers());
        let refusal = Refusal::of(&request, fields);
        let mut response = match refusal {
            Some(refusal) => {
                let address = request.uri();
                refused(
                    refusal,
                    fields,
                    Target::named_format(Route::of(address.path()), address),
                )
            }
            None => self.routed(request.uri(), fields).await,
        };
        let status = response.status();
        // An error already has an ID, because the body contains it.
        let told = response.headers().get(X_REQUEST_ID).cloned();
        let id = told.or_else(|| fields.request_id.filter(|id| request_id::is_sane(id)).cloned());
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
        let sentence = "The request cannot be read: send it in HTTP/1.1.";
        failure(HOME, status, ErrorForm::PlainText, id, sentence, None)
    }
}
