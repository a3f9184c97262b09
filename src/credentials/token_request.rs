//! Requests for tokens and the responses, within limits. yup-oauth2 would read a body of any size and lose the status.

use std::time::Duration;

use serde_json::Value;
use url::{Url, form_urlencoded};

use super::error::Error;
use super::fetched::Fetched;
use crate::cause::clean;
use crate::secrets::remember;
use crate::transport::{BodyError, body, origin};

/// The longest response to read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The form fields that must not appear in a log, even if the server echoes them.
const SECRET: [&str; 4] = ["assertion", "client_secret", "refresh_token", "subject_token"];

/// Posts a form and reads the token in the response.
pub(super) async fn grant(
    client: &reqwest::Client,
    address: &Url,
    fields: &[(&str, &str)],
) -> Result<Fetched, Error> {
    for (name, value) in fields {
        if SECRET.contains(name) {
            remember(value);
        }
    }
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let request = client
        .post(address.clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    granted(&send(request, "the token server").await?)
}

/// Reads an OAuth token response.
pub(super) fn granted(response: &Value) -> Result<Fetched, Error> {
    Fetched::new(
        response.get("access_token").and_then(Value::as_str),
        response.get("expires_in").and_then(Value::as_f64).map(lifetime),
    )
}

/// A lifetime in seconds, whatever the server sent: yup-oauth2 panics on values that its clock cannot represent.
fn lifetime(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// Sends a request and reads the JSON of a successful response.
pub(super) async fn send(request: reqwest::RequestBuilder, server: &str) -> Result<Value, Error> {
    let (status, body) = exchange(request, server).await?;
    if !status.is_success() {
        return Err(refusal(status, &body, server));
    }
    serde_json::from_slice(&body)
        .map_err(|_| Error::unavailable(format!("{server} answered {status} with a body that is not JSON")))
}

/// Sends a request and reads its response, successful or not, up to a limit.
pub(super) async fn exchange(
    request: reqwest::RequestBuilder,
    server: &str,
) -> Result<(reqwest::StatusCode, Vec<u8>), Error> {
    let failed = |error: reqwest::Error| {
        // The error's own text repeats the whole address.
        Error::unavailable(format!("{server} cannot be reached at {}", origin(&error)))
            .caused_by(error.without_url())
    };
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    match body(response, MAX_BYTES).await {
        Ok(body) => Ok((status, body)),
        Err(BodyError::Broken(error)) => Err(failed(error)),
        Err(too_long) => Err(Error::unavailable(format!(
            "{server} answered {status} with {too_long}"
        ))),
    }
}

/// Reads both of Google's error formats: `{"error":"invalid_grant"}` and `{"error":{"message":…}}`.
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
