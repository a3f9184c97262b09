//! Why a query cannot be answered.

/// A query that BigQuery would refuse, or that the stand-in cannot run: a 400 `invalidQuery`, unless the stand-in is
/// busy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// One sentence, in BigQuery's words if it has any.
    pub message: String,
    /// Whether the query is valid and the stand-in was too busy.
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

    /// The query is valid and may be repeated.
    pub(super) fn busy(message: impl Into<String>) -> Self {
        Self {
            busy: true,
            ..Self::new(message)
        }
    }

    /// BigQuery may support this; the stand-in does not.
    pub(super) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(format!("{what} is not supported by the stand-in"))
    }
}

/// The result of compiling or running a query.
pub(super) type Result<T> = std::result::Result<T, QueryError>;
