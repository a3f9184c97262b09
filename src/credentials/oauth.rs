//! The token requests that yup-oauth2 can't make as they should be.
//!
//! It fixes the refresh grant's address, lets only a person impersonate, and asks the metadata server only if
//! `GOOGLE_APPLICATION_CREDENTIALS` is not set, even to nothing.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use url::Url;

use super::error::{Error, chain, clean};
use super::fetched::Fetched;
use super::file::AuthorizedUser;
use super::impersonation::Impersonation;

/// Named so that whoever forgot the credential file sees it.
const METADATA: &str = "the metadata server (asked because no credential file was found)";
/// The longest answer that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Trades a person's refresh token for an access token. Its scopes are those that the person granted.
pub(super) async fn refresh(client: &reqwest::Client, user: &AuthorizedUser) -> Result<Fetched, Error> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("client_id", &user.client_id)
        .append_pair("client_secret", &user.client_secret)
        .append_pair("refresh_token", &user.refresh_token)
        .finish();
    let request = client
        .post(user.token_uri.clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    granted(&send(request, "the token server").await?)
}

/// Takes a token of the machine's own service account.
pub(super) async fn metadata_token(
    client: &reqwest::Client,
    base: &Url,
    scope: &str,
) -> Result<Fetched, Error> {
    let address = format!("{base}computeMetadata/v1/instance/service-accounts/default/token?scopes={scope}");
    let request = client.get(address).header("metadata-flavor", "Google");
    granted(&send(request, METADATA).await?)
}

fn granted(answer: &Value) -> Result<Fetched, Error> {
    Fetched::new(
        answer.get("access_token").and_then(Value::as_str),
        answer
            .get("expires_in")
            .and_then(Value::as_u64)
            .map(Duration::from_secs),
    )
}

/// Trades a token for one of the service account that it may act as.
pub(super) async fn impersonate(
    client: &reqwest::Client,
    target: &Impersonation,
    token: &str,
    scope: &str,
) -> Result<Fetched, Error> {
    let mut body = json!({ "scope": [scope], "lifetime": format!("{}s", target.lifetime) });
    if let (false, Some(body)) = (target.delegates.is_empty(), body.as_object_mut()) {
        body.insert("delegates".to_owned(), json!(target.delegates));
    }
    let request = client.post(target.url.clone()).bearer_auth(token).json(&body);
    let answer = send(request, "the impersonation server").await?;
    let lifetime = answer
        .get("expireTime")
        .and_then(Value::as_str)
        .and_then(|time| humantime::parse_rfc3339(time).ok())
        .map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
    Fetched::new(answer.get("accessToken").and_then(Value::as_str), lifetime)
}

/// The project that the metadata server names.
pub(super) async fn metadata_project(client: &reqwest::Client, base: &Url) -> Result<String, Error> {
    let address = format!("{base}computeMetadata/v1/project/project-id");
    let request = client.get(address).header("metadata-flavor", "Google");
    let (status, body) = exchange(request, METADATA).await?;
    if !status.is_success() {
        return Err(refusal(status, &body, METADATA));
    }
    Ok(String::from_utf8_lossy(&body).trim().to_owned())
}

async fn send(request: reqwest::RequestBuilder, server: &str) -> Result<Value, Error> {
    let (status, body) = exchange(request, server).await?;
    if !status.is_success() {
        return Err(refusal(status, &body, server));
    }
    serde_json::from_slice(&body)
        .map_err(|_| Error::unavailable(format!("{server} answered {status} with no JSON")))
}

async fn exchange(
    request: reqwest::RequestBuilder,
    server: &str,
) -> Result<(reqwest::StatusCode, Vec<u8>), Error> {
    let failed = |error: reqwest::Error| {
        let cause = chain(&error.without_url());
        Error::unavailable(format!("{server} can't be reached: {cause}"))
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
fn refusal(status: reqwest::StatusCode, body: &[u8], server: &str) -> Error {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer| json.pointer(pointer).and_then(Value::as_str);
    let words = [
        text("/error"),
        text("/error_description"),
        text("/error/status"),
        text("/error/message"),
    ];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    let cause = format!("{server} answered {status}: {}", clean(&words.join(": ")));
    match status.as_u16() {
        408 | 429 | 500.. => Error::unavailable(cause),
        _ => Error::refused(cause),
    }
}
