//! Why a query cannot be answered.

/// A query that BigQuery would refuse, or that the stand-in cannot run: always a 400 `invalidQuery`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// One sentence, in BigQuery's words where it has them.
    pub message: String,
}

impl QueryError {
    /// An error with this message.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }

    /// BigQuery may run this; the stand-in does not.
    pub(super) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(format!("{what} is not supported by the stand-in"))
    }
}

/// A result of compiling or running a query.
pub(super) type Result<T> = std::result::Result<T, QueryError>;
