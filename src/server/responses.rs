//! The responses of the services: the counts, documents, errors, one line of text.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER, VARY};

use super::documents::Document;
use super::encoding::{self, Accepted};
use super::fields::Fields;
use super::headers;
use super::refusal::{self, Refusal};
use super::request_id::{self, X_REQUEST_ID};
use super::{conditional, negotiate};
use crate::render::{ErrorForm, FORMATS, Failure, Format, Page, Representation, text};

/// The relative link to the counts from an address beside them.
pub(super) const HOME: &str = "./";

pub(super) type Response = hyper::Response<Full<Bytes>>;

pub(super) fn refused(refusal: Refusal, fields: &Fields<'_>, linked: Option<&'static Format>) -> Response {
    let home = home(refusal.depth);
    let mut response = error_leading_to(&home, refusal.status, fields, linked, refusal.sentence, None);
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

pub(super) fn not_found(fields: &Fields<'_>, path: &str) -> Response {
    nothing_here(fields, path, "There is nothing here: the counts are at /.")
}

pub(super) fn nothing_here(fields: &Fields<'_>, path: &str, sentence: &str) -> Response {
    let home = home(refusal::depth(path));
    error_leading_to(&home, StatusCode::NOT_FOUND, fields, None, sentence, None)
}

/// Behind a reverse proxy the path of the counts is not known: the relative link is derived from the address.
fn home(depth: usize) -> String {
    match depth {
        0 => HOME.to_owned(),
        depth => "../".repeat(depth),
    }
}

pub(super) fn no_format(fields: &Fields<'_>) -> Response {
    let kinds: Vec<&str> = FORMATS.iter().map(Format::media_type).collect();
    let kinds = kinds.join(", ");
    let sentence = format!("None of the accepted media types is served here. Available: {kinds}.");
    let mut response = error(StatusCode::NOT_ACCEPTABLE, fields, None, &sentence, None);
    response
        .headers_mut()
        .insert(VARY, headers::BY_FORMAT_AND_ENCODING);
    response
}

pub(super) fn no_encoding(fields: &Fields<'_>, linked: Option<&'static Format>) -> Response {
    let sentence =
        "None of the accepted encodings is served here. Available: identity and, if it is shorter, gzip.";
    let mut response = error(StatusCode::NOT_ACCEPTABLE, fields, linked, sentence, None);
    response
        .headers_mut()
        .insert(VARY, headers::vary(linked.is_some()));
    response
}

/// The response if there is nothing to show: it says when to come back, and not why.
pub(super) fn no_answer(
    fields: &Fields<'_>,
    linked: Option<&'static Format>,
    retry_after: Duration,
) -> Response {
    let seconds = whole_seconds(retry_after);
    let plural = if seconds == 1 { "" } else { "s" };
    let sentence = format!("The counts are not available yet. Try again in {seconds} second{plural}.");
    error(
        StatusCode::SERVICE_UNAVAILABLE,
        fields,
        linked,
        &sentence,
        Some(seconds),
    )
}

/// A document, in gzip or not, or the notice that the client already has it.
pub(super) fn fixed(document: &'static Document, fields: &Fields<'_>) -> Response {
    let accepted = encoding::accepted(fields.accept_encoding());
    let Some((Representation { etag, body }, gzip)) = representation(&document.page, accepted) else {
        return no_encoding(fields, None);
    };
    if is_known(fields, etag) {
        let headers = headers::document_not_modified(etag);
        return response(StatusCode::NOT_MODIFIED, headers, Bytes::new());
    }
    let headers = headers::document(document.content_type, gzip, etag);
    response(StatusCode::OK, headers, body.clone())
}

/// The representation of a page to send, and whether it is in gzip; none if no accepted encoding is available.
pub(super) fn representation(page: &Page, accepted: Accepted) -> Option<(&Representation, bool)> {
    match page.gzip.as_ref().filter(|_| accepted.gzip) {
        Some(gzip) => Some((gzip, true)),
        None => accepted.identity.then_some((&page.identity, false)),
    }
}

pub(super) fn is_known(fields: &Fields<'_>, etag: &HeaderValue) -> bool {
    let known = fields.if_none_match();
    known.is_some_and(|known| conditional::has_already(known, etag))
}

/// Rounded up, and at least one.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).clamp(1, u64::MAX.into()) as u64
}

/// An error in the form that fits the format of the address, or else the accepted media types.
pub(super) fn error(
    status: StatusCode,
    fields: &Fields<'_>,
    linked: Option<&'static Format>,
    sentence: &str,
    retry_after: Option<u64>,
) -> Response {
    error_leading_to(HOME, status, fields, linked, sentence, retry_after)
}

fn error_leading_to(
    home: &str,
    status: StatusCode,
    fields: &Fields<'_>,
    linked: Option<&'static Format>,
    sentence: &str,
    retry_after: Option<u64>,
) -> Response {
    let form = match linked {
        Some(format) => ErrorForm::of(format),
        None => negotiate::error_form(fields.accept()),
    };
    let own = fields.request_id.filter(|id| request_id::is_sane(id)).cloned();
    let id = own.unwrap_or_else(request_id::new);
    let mut response = failure(home, status, form, id, sentence, retry_after);
    if linked.is_none() {
        response.headers_mut().insert(VARY, headers::BY_FORMAT);
    }
    response
}

pub(super) fn failure(
    home: &str,
    status: StatusCode,
    form: ErrorForm,
    id: HeaderValue,
    sentence: &str,
    retry_after: Option<u64>,
) -> Response {
    let body = form.write(&Failure {
        status,
        sentence,
        home,
        request_id: id.to_str().ok(),
        retry_after,
    });
    let mut headers = headers::error(form);
    headers.insert(X_REQUEST_ID, id);
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response(status, headers, body.into())
}

pub(super) fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response {
    response(status, headers::uncached(text::FORMAT.header()), body.into())
}

pub(super) fn response(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
