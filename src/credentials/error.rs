use std::fmt;

/// Whether fetching a token again could help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The credential is missing, malformed or refused: only a new one helps.
    Refused,
    /// The token server can't be reached or answers with a fault of its own.
    Unavailable,
}

/// Why there is no access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Whether trying again could help.
    pub kind: Kind,
    /// What happened, for the log only; holds no secret.
    pub cause: String,
}

impl Error {
    pub(crate) fn refused(cause: impl Into<String>) -> Self {
        Self {
            kind: Kind::Refused,
            cause: cause.into(),
        }
    }

    pub(crate) fn unavailable(cause: impl Into<String>) -> Self {
        Self {
            kind: Kind::Unavailable,
            cause: cause.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl std::error::Error for Error {}

/// A server's own words, made fit for one log line: no control characters, not endless.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect()
}

/// An error with what lies under it.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = error.source();
    }
    text
}
