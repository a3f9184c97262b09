//! The forms that OAuth's endpoints accept.

use std::collections::HashMap;

use axum::Form;
use axum::extract::{FromRequest, Request};

use super::OAuthError;

/// An OAuth form's fields.
pub(super) type Fields = HashMap<String, String>;

/// A form without repeated fields, as OAuth requires.
pub(crate) struct OAuthForm(pub(super) Fields);

impl<S: Send + Sync> FromRequest<S> for OAuthForm {
    type Rejection = OAuthError;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthError> {
        let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, state)
            .await
            .map_err(|error| OAuthError::new("invalid_request", error.body_text()))?;
        let mut fields = Fields::with_capacity(pairs.len());
        for (name, value) in pairs {
            if fields.contains_key(&name) {
                return Err(OAuthError::new(
                    "invalid_request",
                    format!("Duplicate parameter: {name}"),
                ));
            }
            fields.insert(name, value);
        }
        Ok(Self(fields))
    }
}

/// A required field.
pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, OAuthError> {
    match fields.get(name).map(String::as_str) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(OAuthError::new(
            "invalid_request",
            format!("Missing required parameter: {name}"),
        )),
    }
}
