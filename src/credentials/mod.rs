//! Finds a Google credential and turns it into access tokens.
//!
//! Data flows one way: search, file, the credential's type, token cache.

mod authorized_user;
mod clients;
mod credential;
mod error;
mod external_account;
mod fetch;
mod fetched;
mod fields;
mod file;
mod impersonated;
mod metadata_server;
mod search;
mod service_account;
mod token_request;
mod tokens;
mod yup;

pub use credential::Credential;
pub use error::{Error, Kind};
pub use file::File;
pub use search::{Origin, Variables};
pub use tokens::{Limits, Token, Tokens};

/// What the service asks for: to run query jobs and read their results.
pub(crate) const BIGQUERY_SCOPE: &str = "https://www.googleapis.com/auth/bigquery";
/// What a token must be good for to be exchanged for a service account's.
pub(crate) const CLOUD_PLATFORM_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
