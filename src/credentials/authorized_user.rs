//! A person's refresh token, as `gcloud auth application-default login` writes it.

use async_trait::async_trait;
use url::Url;

use super::clients::Clients;
use super::credential::{TokenProvider, Type};
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use super::token_request::grant;
use crate::config::Invalid;

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
    /// The token has the scopes that the person granted.
    async fn fetch(&self, clients: &Clients<'_>, _: &str) -> Result<Fetched, Error> {
        grant(
            &clients.client(self.token_uri.scheme() == "http")?,
            &self.token_uri,
            &[
                ("grant_type", "refresh_token"),
                ("client_id", &self.client_id),
                ("client_secret", &self.client_secret),
                ("refresh_token", &self.refresh_token),
            ],
        )
        .await
    }
}
