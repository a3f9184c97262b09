//! A page for what can't be served.

use bytes::Bytes;
use hyper::StatusCode;

use super::failure::Failure;
use super::format::Format;
use super::text;

/// A page that says in one sentence why there is no answer, and the format it is in: the wished one if that has a
/// form for errors, else plain text. The sentence is shown as it is given, so it must hold nothing of an error's cause.
pub fn error_page(status: StatusCode, wished: &'static Format, sentence: &str) -> (&'static Format, Bytes) {
    let failure = Failure { status, sentence };
    match wished.error {
        Some(error) => (wished, error(&failure).into()),
        None => (&text::FORMAT, text::error(&failure).into()),
    }
}
