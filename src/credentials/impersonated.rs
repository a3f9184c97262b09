//! A credential that may impersonate a service account.

use std::time::SystemTime;

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;

use super::CLOUD_PLATFORM_SCOPE;
use super::clients::Clients;
use super::credential::{self, Credential, TokenProvider, Type};
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use super::token_request::send;
use crate::config::Invalid;

pub(super) const TYPE: Type = Type {
    name: "impersonated_service_account",
    parse,
};

struct Impersonated {
    source: Credential,
    target: Impersonation,
}

/// A service account to impersonate.
pub(super) struct Impersonation {
    pub(super) url: Url,
    pub(super) delegates: Vec<String>,
    /// The requested lifetime of the token, in seconds.
    pub(super) lifetime: u64,
}

fn parse(fields: &Fields<'_>) -> Result<Box<dyn TokenProvider>, Invalid> {
    let source = fields.object("source_credentials")?.ok_or_else(|| {
        fields
            .invalid("has no 'source_credentials': expected the credential that acts as the service account")
    })?;
    // Only a type that has its own tokens may impersonate.
    if source.optional_text("type")?.as_deref() == Some(TYPE.name) {
        return Err(credential::unknown(&source));
    }
    let delegates = match fields.object.get("delegates") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| fields.invalid("has invalid 'delegates': expected a list of strings"))?,
        Some(_) => return Err(fields.invalid("has invalid 'delegates': expected a list of strings")),
    };
    Ok(Box::new(Impersonated {
        source: Credential::parse(&source)?,
        target: Impersonation {
            url: fields.address("service_account_impersonation_url")?,
            delegates,
            lifetime: 3600,
        },
    }))
}

#[async_trait]
impl TokenProvider for Impersonated {
    async fn fetch(&self, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error> {
        let own = self.source.fetch(clients, CLOUD_PLATFORM_SCOPE).await?;
        self.target.act(clients, &own.token, scope).await
    }
}

impl Impersonation {
    /// Exchanges a token for one of the service account.
    pub(super) async fn act(
        &self,
        clients: &Clients<'_>,
        token: &str,
        scope: &str,
    ) -> Result<Fetched, Error> {
        let mut body = json!({ "scope": [scope], "lifetime": format!("{}s", self.lifetime) });
        if let (false, Some(body)) = (self.delegates.is_empty(), body.as_object_mut()) {
            body.insert("delegates".to_owned(), json!(self.delegates));
        }
        let client = clients.client(self.url.scheme() == "http")?;
        let request = client.post(self.url.clone()).bearer_auth(token).json(&body);
        let response = send(request, "the impersonation server").await?;
        let lifetime = response
            .get("expireTime")
            .and_then(Value::as_str)
            .and_then(|time| humantime::parse_rfc3339(time).ok())
            .map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
        Fetched::new(response.get("accessToken").and_then(Value::as_str), lifetime)
    }
}
