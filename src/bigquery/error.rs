//! Why BigQuery gave no answer.

use std::sync::Arc;

use crate::cause::Cause;
use crate::reason::Reason;

/// A failed refresh: what kind, and what happened. The latter is for the log only; it holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of failure.
    pub reason: Reason,
    pub(super) message: String,
    source: Option<Cause>,
}

impl Error {
    /// A failure without another under it.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            source: None,
        }
    }

    /// The same, with the error that lies under it.
    #[must_use]
    pub fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Arc::new(cause)),
            ..self
        }
    }
}
