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
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod impersonated;
mod metadata_server;
mod search;
mod service_account;
mod subject_token;
mod token_request;
mod tokens;

pub use credential::{Credential, Type};
pub use error::{Error, Kind};
pub use file::File;
pub use search::{Origin, Variables};
pub use tokens::{Limits, Token, Tokens};

/// Every type of credential. Each is a module, with what it reads and how it fetches, and a line here.
pub const TYPES: &[Type] = &[
    service_account::TYPE,
    authorized_user::TYPE,
    external_account::TYPE,
    impersonated::TYPE,
];

/// The largest file with a credential or a token, in bytes. Google's credential files are under 3 KiB; a token has one
/// or two.
const MAX_FILE: u64 = 64 * 1024;

/// The scope that the service requests: to run query jobs and read their results.
pub(crate) const BIGQUERY_SCOPE: &str = "https://www.googleapis.com/auth/bigquery";
/// The scope that a token needs before it can be exchanged for a service account's.
pub(crate) const CLOUD_PLATFORM_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
