//! Why a query cannot be answered.

/// A query that BigQuery would refuse, or that the stand-in cannot run: a 400 `invalidQuery`, unless it is busy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// One sentence, in BigQuery's words where it has them.
    pub message: String,
    /// Whether nothing is wrong with the query: the stand-in had too much to do.
    pub busy: bool,
}

impl QueryError {
    /// An error with this message.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            busy: false,
        }
    }

    /// Nothing is wrong with the query; it may be asked again.
    pub(super) fn busy(message: impl Into<String>) -> Self {
        Self {
            busy: true,
            ..Self::new(message)
        }
    }

    /// BigQuery may run this; the stand-in does not.
    pub(super) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(format!("{what} is not supported by the stand-in"))
    }
}

/// A result of compiling or running a query.
pub(super) type Result<T> = std::result::Result<T, QueryError>;
