//! A person's refresh token, as `gcloud auth application-default login` writes it.
//!
//! yup-oauth2 fixes the refresh grant's address, so that the request is ours.

use async_trait::async_trait;
use url::Url;

use super::clients::Clients;
use super::credential::{TokenProvider, Type};
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use super::token_request::{granted, send};
use crate::config::Invalid;
use crate::secrets::remember;

pub(super) const TYPE: Type = Type {
    name: "authorized_user",
    parse,
};

struct AuthorizedUser {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    token_uri: Url,
}

fn parse(fields: &Fields<'_>) -> Result<Box<dyn TokenProvider>, Invalid> {
    let token_uri = match fields.optional_address("token_uri")? {
        Some(address) => address,
        None => fields.check_address("token_uri", "https://oauth2.googleapis.com/token")?,
    };
    Ok(Box::new(AuthorizedUser {
        client_id: fields.text("client_id")?,
        client_secret: fields.text("client_secret")?,
        refresh_token: fields.text("refresh_token")?,
        token_uri,
    }))
}

#[async_trait]
impl TokenProvider for AuthorizedUser {
    /// The scopes are those that the person granted.
    async fn fetch(&self, clients: &Clients<'_>, _: &str) -> Result<Fetched, Error> {
        remember(&self.client_secret);
        remember(&self.refresh_token);
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", &self.client_secret)
            .append_pair("refresh_token", &self.refresh_token)
            .finish();
        let request = clients
            .own(self.token_uri.scheme() == "http")?
            .post(self.token_uri.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        granted(&send(request, "the token server").await?)
    }
}
