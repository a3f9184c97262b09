//! A page for what can't be served.

use bytes::Bytes;
use hyper::StatusCode;

use super::format::Format;
use super::text;

/// Why there is no page: a status and one sentence.
pub(super) struct Failure<'a> {
    pub(super) status: StatusCode,
    pub(super) sentence: &'a str,
}

impl Failure<'_> {
    /// The status in words, such as `404 Not Found`.
    pub(super) fn title(&self) -> String {
        match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }
}

/// A page that says in one sentence why there is no answer, and the format it is in: the wished one if that has a
/// form for errors, else plain text. The sentence is shown as it is given, so it must hold nothing of an error's cause.
pub fn error_page(status: StatusCode, wished: &'static Format, sentence: &str) -> (&'static Format, Bytes) {
    let failure = Failure { status, sentence };
    match wished.error {
        Some(error) => (wished, error(&failure).into()),
        None => (&text::FORMAT, text::error(&failure).into()),
    }
}
