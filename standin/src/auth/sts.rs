//! `POST /v1/token`: workload identity federation, which exchanges a provider's token for one of ours.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::assertion::Assertion;
use super::form::{OAuthForm, field};
use super::grants::{answer, issue};
use super::{OAuthError, usable_scopes};
use crate::app::App;
use crate::faults::Effects;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

pub(crate) async fn exchange(
    State(app): State<Arc<App>>,
    Extension(effects): Extension<Effects>,
    OAuthForm(fields): OAuthForm,
) -> Result<Response, OAuthError> {
    if field(&fields, "grant_type")? != EXCHANGE {
        return Err(OAuthError::new(
            "unsupported_grant_type",
            format!("Invalid grant_type: expected {EXCHANGE}"),
        ));
    }
    let wanted = fields
        .get("requested_token_type")
        .map_or(ACCESS_TOKEN, String::as_str);
    if wanted != ACCESS_TOKEN {
        return Err(OAuthError::new(
            "invalid_request",
            format!("Invalid requested_token_type: expected {ACCESS_TOKEN}"),
        ));
    }
    if !matches!(field(&fields, "subject_token_type")?, JWT | ID_TOKEN) {
        return Err(OAuthError::new(
            "invalid_request",
            format!("Invalid subject_token_type: expected {JWT}"),
        ));
    }
    let audience = field(&fields, "audience")?;
    let provider = app
        .authority
        .with_policy(|policy| {
            policy
                .workload_identity_providers
                .iter()
                .find(|provider| provider.audience == audience)
                .cloned()
        })
        .ok_or_else(|| {
            OAuthError::new(
                "invalid_target",
                "The target service indicated by the \"audience\" parameters is invalid.",
            )
        })?;
    let assertion = Assertion::parse(field(&fields, "subject_token")?)
        .ok_or_else(|| OAuthError::grant("Unable to parse the ID Token."))?;
    let claims = &assertion.claims;
    if claims.iss != provider.issuer {
        return Err(OAuthError::grant(
            "The issuer in ID Token does not match the expected one.",
        ));
    }
    if !assertion.is_signed_by(&provider.public_keys) {
        return Err(OAuthError::grant("Invalid JWT Signature."));
    }
    let mut allowed = provider.allowed_audiences.clone();
    if allowed.is_empty() {
        allowed = vec![provider.audience.clone(), format!("https:{}", provider.audience)];
    }
    if !claims.aud.is_in(&allowed) {
        return Err(OAuthError::grant(
            "The audience in ID Token does not match the expected audience.",
        ));
    }
    if !assertion.is_current() {
        return Err(OAuthError::grant("ID Token is stale to sign-in."));
    }
    let (Some(subject), Some(pool)) = (
        claims.sub.as_deref().filter(|sub| !sub.is_empty()),
        provider.pool(),
    ) else {
        return Err(OAuthError::grant("The ID Token has no subject."));
    };
    let scope = usable_scopes(field(&fields, "scope")?).ok_or_else(|| {
        OAuthError::new(
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        )
    })?;
    let issued = issue(
        &app.authority,
        &format!("principal:{pool}/subject/{subject}"),
        &scope,
    )?;
    Ok(answer(
        issued,
        &effects,
        json!({"issued_token_type": ACCESS_TOKEN}),
    ))
}
