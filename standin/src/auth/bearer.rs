use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::app::App;
use crate::rest::ApiError;

/// The caller of a request: the bearer of a valid access token.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// In the form of an IAM member.
    pub(crate) principal: String,
    claims: super::Claims,
}

impl Caller {
    /// Refuses a token that has none of these scopes.
    pub(crate) fn require_scope(&self, scopes: &[&str]) -> Result<(), ApiError> {
        match self.claims.allows(scopes) {
            true => Ok(()),
            false => Err(ApiError::insufficient_scope()),
        }
    }

    /// The address, for `user_email`.
    pub(crate) fn email(&self) -> &str {
        match self.principal.split_once(':') {
            Some(("serviceAccount" | "user", email)) => email,
            _ => &self.principal,
        }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
        let header = headers.next().ok_or_else(ApiError::no_credential)?;
        // With two credentials, a proxy and we might each accept a different one.
        if headers.next().is_some() {
            return Err(ApiError::bad_credential());
        }
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(ApiError::bad_credential)?;
        let claims = app.authority.read(token).ok_or_else(ApiError::bad_credential)?;
        Ok(Self {
            principal: claims.principal.clone(),
            claims,
        })
    }
}
