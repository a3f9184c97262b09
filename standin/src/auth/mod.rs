//! Authentication: grants that give access tokens, and the tokens themselves.

mod assertion;
mod authority;
mod bearer;
mod form;
mod grants;
mod impersonation;
mod metadata;
mod store;
mod sts;
mod token;

use serde_json::json;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

pub use authority::{Authority, Clock};
pub(crate) use bearer::Caller;
pub(crate) use grants::{revoke, token};
pub(crate) use impersonation::generate_access_token;
pub(crate) use metadata::metadata;
pub use store::StoreError;
pub(crate) use sts::exchange;
pub use token::Claims;

/// Every BigQuery call, reading and jobs.
pub(crate) const SCOPE_BIGQUERY: &str = "https://www.googleapis.com/auth/bigquery";
/// Reading, and `jobs.query`.
pub(crate) const SCOPE_READ_ONLY: &str = "https://www.googleapis.com/auth/bigquery.readonly";
/// Everything.
pub(crate) const SCOPE_CLOUD: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The IAM API.
pub(crate) const SCOPE_IAM: &str = "https://www.googleapis.com/auth/iam";

/// A failure in OAuth's form, with status 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuthError {
    error: &'static str,
    description: String,
}

impl OAuthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
        }
    }

    fn grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
    }
}

/// The requested scopes, if the stand-in knows at least one of them. For impersonation, IAM's scope is enough.
fn usable_scopes(asked: &str) -> Option<String> {
    let known = [SCOPE_BIGQUERY, SCOPE_READ_ONLY, SCOPE_CLOUD, SCOPE_IAM];
    asked
        .split_ascii_whitespace()
        .any(|scope| known.contains(&scope))
        .then(|| asked.to_owned())
}

/// Whether the text has this SHA-256 (hexadecimal). The time that it takes does not depend on either.
fn has_digest(text: &str, digest: &str) -> bool {
    let ours = hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
    // Both sides are hashed again with a fresh key, so that the comparison leaks nothing.
    let Ok(key) = ring::hmac::Key::generate(ring::hmac::HMAC_SHA256, &ring::rand::SystemRandom::new()) else {
        return false;
    };
    let tag = ring::hmac::sign(&key, ours.as_bytes());
    ring::hmac::verify(&key, digest.to_ascii_lowercase().as_bytes(), tag.as_ref()).is_ok()
}
