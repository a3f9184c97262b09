//! Why BigQuery gave no answer.

use std::fmt;

use crate::reason::Reason;

/// A failed refresh: what kind, and the cause for the log.
#[derive(Debug)]
pub struct Error {
    /// What kind of failure.
    pub reason: Reason,
    /// What happened, for the log only; holds no secret.
    pub cause: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl std::error::Error for Error {}
