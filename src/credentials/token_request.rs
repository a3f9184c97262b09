//! The token requests that yup-oauth2 cannot make as they should be.

use std::time::Duration;

use serde_json::Value;

use super::error::Error;
use super::fetched::Fetched;
use crate::cause::clean;

/// The longest response that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Reads an OAuth token response.
pub(super) fn granted(response: &Value) -> Result<Fetched, Error> {
    Fetched::new(
        response.get("access_token").and_then(Value::as_str),
        response
            .get("expires_in")
            .and_then(Value::as_u64)
            .map(Duration::from_secs),
    )
}

/// Sends a request and reads the JSON of a good response.
pub(super) async fn send(request: reqwest::RequestBuilder, server: &str) -> Result<Value, Error> {
    let (status, body) = exchange(request, server).await?;
    if !status.is_success() {
        return Err(refusal(status, &body, server));
    }
    serde_json::from_slice(&body)
        .map_err(|_| Error::unavailable(format!("{server} answered {status} with a body that is not JSON")))
}

/// Sends a request and reads its response, good or not, up to a limit.
pub(super) async fn exchange(
    request: reqwest::RequestBuilder,
    server: &str,
) -> Result<(reqwest::StatusCode, Vec<u8>), Error> {
    let failed = |error: reqwest::Error| {
        // Its own words repeat the address.
        Error::unavailable(format!("{server} cannot be reached")).caused_by(error.without_url())
    };
    let mut response = request.send().await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Error::unavailable(format!("{server} answered more than 64 KiB")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

/// Reads both of Google's error forms: `{"error":"invalid_grant"}` and `{"error":{"message":…}}`.
pub(super) fn refusal(status: reqwest::StatusCode, body: &[u8], server: &str) -> Error {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer| json.pointer(pointer).and_then(Value::as_str);
    let words = [
        text("/error"),
        text("/error_description"),
        text("/error/status"),
        text("/error/message"),
    ];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    let message = format!("{server} answered {status}: {}", clean(&words.join(": ")));
    match status.as_u16() {
        408 | 429 | 500.. => Error::unavailable(message),
        _ => Error::refused(message),
    }
}
