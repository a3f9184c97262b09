//! What the fuzz targets call, for themselves alone: it is private otherwise.

use std::time::Duration;

use super::token_request::{granted, refusal};
use crate::cause::chain;

/// The token that a response grants, and how long it lives; or why it grants none, in the words of the log.
pub fn token(body: &[u8]) -> Result<(String, Option<Duration>), String> {
    let response = serde_json::from_slice(body).map_err(|_| "not JSON".to_owned())?;
    let fetched = granted(&response).map_err(|error| chain(&error))?;
    Ok((fetched.token, fetched.lifetime))
}

/// What the log says of a refusal.
pub fn refused(status: u16, body: &[u8]) -> Option<String> {
    let status = reqwest::StatusCode::from_u16(status).ok()?;
    Some(chain(&refusal(status, body, "the token server")))
}
