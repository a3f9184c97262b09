//! Workload identity federation: a token of another provider, exchanged for a Google token.
//!
//! yup-oauth2 could do the exchange, but it reads the subject token's file and every response without a limit.

use async_trait::async_trait;
use url::Url;

use super::CLOUD_PLATFORM_SCOPE;
use super::clients::Clients;
use super::credential::{TokenProvider, Type};
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use super::impersonated::Impersonation;
use super::subject_token::SubjectTokenSource;
use super::token_request::grant;
use crate::config::Invalid;

pub(super) const TYPE: Type = Type {
    name: "external_account",
    parse,
};

struct ExternalAccount {
    audience: String,
    subject_token_type: String,
    token_url: Url,
    source: SubjectTokenSource,
    /// The service account to impersonate afterwards.
    impersonation: Option<Impersonation>,
}

/// Reads an `external_account`. Refuses fields that this program would ignore.
fn parse(fields: &Fields<'_>) -> Result<Box<dyn TokenProvider>, Invalid> {
    for name in ["client_id", "workforce_pool_user_project"] {
        if fields.object.contains_key(name) {
            return Err(fields.invalid(&format!(
                "has a '{name}', which is for workforce pools: expected a workload identity pool's configuration"
            )));
        }
    }
    let Some(source) = fields.object("credential_source")? else {
        return Err(fields.invalid("has no 'credential_source': expected a 'file' or a 'url' in it"));
    };
    let impersonation = fields
        .optional_address("service_account_impersonation_url")?
        .map(|url| {
            Ok::<_, Invalid>(Impersonation {
                url,
                delegates: Vec::new(),
                lifetime: lifetime(fields)?,
            })
        })
        .transpose()?;
    Ok(Box::new(ExternalAccount {
        audience: fields.text("audience")?,
        subject_token_type: fields.text("subject_token_type")?,
        token_url: fields.address("token_url")?,
        source: SubjectTokenSource::parse(&source)?,
        impersonation,
    }))
}

fn lifetime(fields: &Fields<'_>) -> Result<u64, Invalid> {
    let Some(options) = fields.object("service_account_impersonation")? else {
        return Ok(3600);
    };
    match options.object.get("token_lifetime_seconds") {
        None => Ok(3600),
        Some(seconds) => seconds
            .as_u64()
            .filter(|seconds| (600..=43_200).contains(seconds))
            .ok_or_else(|| fields.invalid("has an invalid 'token_lifetime_seconds': expected 600 to 43200")),
    }
}

#[async_trait]
impl TokenProvider for ExternalAccount {
    async fn fetch(&self, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error> {
        let scope_of_exchange = match self.impersonation {
            Some(_) => CLOUD_PLATFORM_SCOPE,
            None => scope,
        };
        // Each address has its own client: a machine's metadata server uses http, Google uses https.
        let subject_token = self.source.subject_token(clients).await?;
        let federated = grant(
            &clients.client(self.token_url.scheme() == "http")?,
            &self.token_url,
            &[
                ("audience", &self.audience),
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                (
                    "requested_token_type",
                    "urn:ietf:params:oauth:token-type:access_token",
                ),
                ("subject_token_type", &self.subject_token_type),
                ("subject_token", &subject_token),
                ("scope", scope_of_exchange),
            ],
        )
        .await?;
        match &self.impersonation {
            None => Ok(federated),
            Some(target) => target.act(clients, &federated.token, scope).await,
        }
    }
}
