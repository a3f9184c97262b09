//! Why there is no answer, in the few words that clients, metrics and alerts may see.

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The credential is missing, malformed or refused.
    Credential,
    /// The credential is good, but may not run the job or read the table.
    Denied,
    /// The table, dataset or project does not exist.
    NotFound,
    /// BigQuery refused the query, for example because it exceeds the cap on billed bytes.
    Invalid,
    /// A quota or rate limit is used up.
    Quota,
    /// The server that issues access tokens cannot be reached, hangs, or fails itself.
    TokenServer,
    /// BigQuery cannot be reached, or fails itself.
    Unavailable,
    /// No complete answer arrived from BigQuery within the timeout.
    Timeout,
    /// An answer arrived, but it is not what was asked for.
    Malformed,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Credential,
        Self::Denied,
        Self::NotFound,
        Self::Invalid,
        Self::Quota,
        Self::TokenServer,
        Self::Unavailable,
        Self::Timeout,
        Self::Malformed,
    ];

    /// A stable name for labels and log fields.
    pub fn name(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Quota => "quota",
            Self::TokenServer => "token_server",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
        }
    }

    /// A sentence for `/readyz`: enough to know where to look, and nothing of the error's own text.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Credential => "the credential is missing or was refused",
            Self::Denied => "the credential may not run the job or read the table",
            Self::NotFound => "the table, dataset or project does not exist",
            Self::Invalid => "BigQuery refused the query",
            Self::Quota => "a quota or rate limit of BigQuery is used up",
            Self::TokenServer => "the token server gives no access token",
            Self::Unavailable => "BigQuery cannot be reached",
            Self::Timeout => "BigQuery did not answer in time",
            Self::Malformed => "BigQuery's answer was not understood",
        }
    }
}
