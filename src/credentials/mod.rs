//! Finds a Google credential and turns it into access tokens.
//!
//! Data flows one way: search, file, fetch, token cache.

mod error;
mod external_account;
mod fetch;
mod fetched;
mod fields;
mod file;
mod impersonation;
mod oauth;
mod search;
mod tokens;

pub(crate) use error::clean;
pub use error::{Error, Kind};
pub use file::{Credential, File};
pub use search::{Environment, Source};
pub use tokens::{Limits, Token, Tokens};

/// What the service asks for: to run query jobs and read their results.
pub(crate) const BIGQUERY_SCOPE: &str = "https://www.googleapis.com/auth/bigquery";
/// What a token must be good for to be exchanged for a service account's.
pub(crate) const CLOUD_PLATFORM_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
