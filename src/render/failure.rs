//! Why there is no page.

use hyper::StatusCode;

/// A status and one sentence.
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
