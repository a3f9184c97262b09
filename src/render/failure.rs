//! The reason why there is no page.

use hyper::StatusCode;

/// A status and one sentence, which is shown unchanged: it must not contain an error's cause.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The response's status.
    pub status: StatusCode,
    /// The mistake, and what would be right.
    pub sentence: &'a str,
    /// The relative link from the requested address to the counts: `./`, or further up.
    pub home: &'a str,
    /// The ID of the request in the log; none in files that are written before there is a request.
    pub request_id: Option<&'a str>,
    /// How many seconds to wait before the next request, if that helps.
    pub retry_after: Option<u64>,
}

impl Failure<'_> {
    /// The status with its reason phrase, such as `404 Not Found`.
    pub(super) fn title(&self) -> String {
        match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }
}
