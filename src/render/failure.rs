//! Why there is no page.

use hyper::StatusCode;

/// A status and one sentence, which is shown as it is given: it must hold nothing of an error's cause.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The response's status.
    pub status: StatusCode,
    /// Why, and what would be right.
    pub sentence: &'a str,
    /// Where the counts are, from the address that was asked: `./`, or further up.
    pub home: &'a str,
    /// By what the request is known in the log; none in what is written before there is a request.
    pub request_id: Option<&'a str>,
    /// After how many seconds to ask again, where that helps.
    pub retry_after: Option<u64>,
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
