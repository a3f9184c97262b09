//! Entry points for the fuzz targets into code that is otherwise private.

use std::time::Duration;

use super::token_request::{granted, refusal};
use crate::cause::chain;

/// The token in a response and how long it is valid; or why there is none, as the log would say it.
pub fn token(body: &[u8]) -> Result<(String, Option<Duration>), String> {
    let response = serde_json::from_slice(body).map_err(|_| "not JSON".to_owned())?;
    let fetched = granted(&response).map_err(|error| chain(&error))?;
    Ok((fetched.token, fetched.lifetime))
}

/// The log's text about an error response.
pub fn refused(status: u16, body: &[u8]) -> Option<String> {
    let status = reqwest::StatusCode::from_u16(status).ok()?;
    Some(chain(&refusal(status, body, "the token server")))
}
