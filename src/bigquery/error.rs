//! Why BigQuery gave no answer.

use std::sync::Arc;

use crate::cause::Cause;
use crate::reason::Reason;

/// A failed refresh: its kind, and what happened. The message is for the log only and contains no secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind of failure.
    pub reason: Reason,
    pub(super) message: String,
    source: Option<Cause>,
}

impl Error {
    /// A failure without an underlying error.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            source: None,
        }
    }

    /// The same failure with its underlying error.
    #[must_use]
    pub fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Arc::new(cause)),
            ..self
        }
    }
}
