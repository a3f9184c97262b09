use std::sync::Arc;

use crate::cause::Cause;

/// Whether fetching a token again could help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The credential is missing, malformed or refused: only a new one helps.
    Refused,
    /// The token server cannot be reached, or fails itself.
    Unavailable,
}

/// Why there is no access token. For the log only; contains no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Whether a retry could help.
    pub kind: Kind,
    message: String,
    source: Option<Cause>,
}

impl Error {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same error with its cause, which must not contain a secret either.
    pub(crate) fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Arc::new(cause)),
            ..self
        }
    }
}
