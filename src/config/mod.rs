//! The configuration of an instance, checked before anything listens.
//!
//! Every type here is valid by construction: [`FromStr`](std::str::FromStr) is the only way to make one, and its error
//! is one sentence that says what is wrong and what would be right.

mod duration;
mod endpoint;
mod listen;
mod log_format;
mod log_level;
mod number;
mod origin;
mod table;
mod word;

use std::path::PathBuf;
use std::time::Duration;

pub use duration::parse as parse_duration;
pub use endpoint::Endpoint;
pub(crate) use endpoint::is_local;
pub use listen::{Listen, parse_tcp};
pub use log_format::LogFormat;
pub use log_level::LogLevel;
pub use number::parse as parse_number;
pub use origin::Origin;
pub use table::{Location, Project, Table};
pub use word::Word;

/// The whole configuration of one instance.
#[derive(Debug, Clone)]
pub struct Config {
    /// The word to count, matched exactly: case, spaces and punctuation.
    pub word: Word,
    /// Where to listen, unless systemd passes a socket.
    pub listen: Listen,
    /// The project that is billed for the jobs; if none, that of the credential.
    pub project: Option<Project>,
    /// The table with the columns `word`, `word_count` and `corpus`.
    pub table: Table,
    /// Where the jobs run; if none, BigQuery chooses.
    pub location: Option<Location>,
    /// The credential file; if none, the usual places are searched.
    pub credentials: Option<PathBuf>,
    /// BigQuery's REST address.
    pub bigquery_endpoint: Endpoint,
    /// How long an answer counts as fresh.
    pub ttl: Duration,
    /// How old an answer may get before it is no longer served.
    pub max_stale: Duration,
    /// The other origins whose pages may read the responses in a browser.
    pub cors_origins: Vec<Origin>,
    /// How long one refresh may take: token, job, retries and pages together.
    pub timeout: Duration,
    /// The most bytes that BigQuery may bill for one job.
    pub maximum_bytes_billed: u64,
    /// The number of threads that serve; a single one needs no locks between cores.
    pub workers: usize,
    /// The file of the words that are served together.
    pub site: Option<PathBuf>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The least severe level that is logged.
    pub log_level: LogLevel,
}

/// Why a value was refused: one sentence, fit for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}
