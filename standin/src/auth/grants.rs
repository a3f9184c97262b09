//! `POST /token` and `POST /revoke`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::assertion::Assertion;
use super::authority::{Authority, Issued};
use super::form::{Fields, OAuthForm, field};
use super::{OAuthError, SCOPE_CLOUD, has_digest, usable_scopes};
use crate::app::App;
use crate::faults::Effects;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(crate) async fn token(
    State(app): State<Arc<App>>,
    Extension(effects): Extension<Effects>,
    OAuthForm(fields): OAuthForm,
) -> Result<Response, OAuthError> {
    let authority = &app.authority;
    let issued = match field(&fields, "grant_type")? {
        JWT_BEARER => from_assertion(authority, field(&fields, "assertion")?)?,
        "refresh_token" => from_refresh_token(authority, &fields)?,
        other => {
            return Err(OAuthError::new(
                "unsupported_grant_type",
                format!("Invalid grant_type: {other}"),
            ));
        }
    };
    Ok(answer(issued, &effects, json!({})))
}

/// The response to every grant, with the additional fields.
pub(super) fn answer(issued: Issued, effects: &Effects, extra: Value) -> Response {
    let mut body = json!({
        "access_token": issued.token,
        "expires_in": issued.seconds,
        "token_type": "Bearer",
    });
    if let (Some(body), Value::Object(extra)) = (body.as_object_mut(), extra) {
        body.extend(extra);
        if effects.no_expiry {
            body.remove("expires_in");
        }
    }
    ([("cache-control", "no-store")], Json(body)).into_response()
}

fn from_assertion(authority: &Authority, token: &str) -> Result<Issued, OAuthError> {
    let assertion = Assertion::parse(token)
        .ok_or_else(|| OAuthError::grant("Invalid JWT: expected a JSON web token signed with RS256"))?;
    let claims = &assertion.claims;
    let keys = authority
        .with_policy(|policy| {
            policy
                .account(&claims.iss)
                .map(|account| account.public_keys.clone())
        })
        .ok_or_else(|| OAuthError::grant("Invalid grant: account not found"))?;
    if !assertion.is_signed_by(&keys) {
        return Err(OAuthError::grant("Invalid JWT Signature."));
    }
    if !claims.aud.is_in(authority.audiences()) {
        let right = authority
            .audiences()
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        return Err(OAuthError::grant(format!(
            "Invalid JWT: Failed audience check. The right audience is {right}"
        )));
    }
    if !assertion.is_current() {
        return Err(OAuthError::grant(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
        ));
    }
    if claims.sub.as_ref().is_some_and(|subject| *subject != claims.iss) {
        return Err(OAuthError::new(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
        ));
    }
    let scope = usable_scopes(&claims.scope)
        .ok_or_else(|| OAuthError::grant("Invalid OAuth scope or ID token audience provided."))?;
    issue(authority, &format!("serviceAccount:{}", claims.iss), &scope)
}

fn from_refresh_token(authority: &Authority, fields: &Fields) -> Result<Issued, OAuthError> {
    let (id, secret) = (field(fields, "client_id")?, field(fields, "client_secret")?);
    let refresh = field(fields, "refresh_token")?;
    let user = authority.with_policy(|policy| {
        let mut clients = policy.users.iter().filter(|user| user.client_id == id).peekable();
        if clients.peek().is_none() {
            return Err(OAuthError::new(
                "invalid_client",
                "The OAuth client was not found.",
            ));
        }
        let mut known = clients
            .filter(|user| has_digest(secret, &user.client_secret_sha256))
            .peekable();
        if known.peek().is_none() {
            return Err(OAuthError::new(
                "invalid_client",
                "The provided client secret is invalid.",
            ));
        }
        known
            .find(|user| {
                user.refresh_token_sha256
                    .iter()
                    .any(|digest| has_digest(refresh, digest))
            })
            .map(|user| user.email.clone())
            .ok_or_else(|| OAuthError::grant("Bad Request"))
    })?;
    if authority.is_revoked(refresh) {
        return Err(OAuthError::grant("Token has been expired or revoked."));
    }
    // A refresh token has its own scopes; a request may only narrow them.
    let scope = fields.get("scope").map_or(SCOPE_CLOUD, String::as_str);
    let scope = usable_scopes(scope).ok_or_else(|| OAuthError::new("invalid_scope", "Bad Request"))?;
    issue(authority, &format!("user:{user}"), &scope)
}

pub(super) fn issue(authority: &Authority, principal: &str, scope: &str) -> Result<Issued, OAuthError> {
    authority
        .issue(principal, scope, None)
        .ok_or_else(|| OAuthError::new("internal_failure", "No token could be created."))
}

pub(crate) async fn revoke(State(app): State<Arc<App>>, OAuthForm(fields): OAuthForm) -> Response {
    let done = field(&fields, "token").map(|token| app.authority.revoke(token));
    match done {
        Ok(Ok(true)) => Json(json!({})).into_response(),
        Ok(Ok(false)) => OAuthError::new("invalid_token", "Token expired or revoked").into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "cannot save a revocation");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(error) => error.into_response(),
    }
}
