//! Workload identity federation: a token of another provider, exchanged for Google's. yup-oauth2 does the exchange.

use std::collections::HashMap;

use async_trait::async_trait;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;
use yup_oauth2::ExternalAccountAuthenticator;
use yup_oauth2::external_account::{CredentialSource, ExternalAccountSecret, UrlCredentialSourceFormat};

use super::CLOUD_PLATFORM_SCOPE;
use super::clients::Clients;
use super::credential::{TokenProvider, Type};
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use super::impersonated::Impersonation;
use super::yup;
use crate::config::Invalid;

pub(super) const TYPE: Type = Type {
    name: "external_account",
    parse,
};

struct ExternalAccount {
    /// As yup-oauth2 takes it, without the impersonation that it may do next.
    secret: ExternalAccountSecret,
    /// The service account to act as afterwards.
    impersonation: Option<Impersonation>,
}

/// Reads an `external_account`, refusing what yup-oauth2 would leave out in silence.
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
        secret: ExternalAccountSecret {
            audience: fields.text("audience")?,
            subject_token_type: fields.text("subject_token_type")?,
            service_account_impersonation_url: None,
            token_url: fields.address("token_url")?.into(),
            credential_source: credential_source(&source)?,
            key_type: "external_account".to_owned(),
        },
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

fn credential_source(source: &Fields<'_>) -> Result<CredentialSource, Invalid> {
    for (name, what) in [
        ("executable", "a program"),
        ("environment_id", "AWS"),
        ("certificate", "a certificate"),
    ] {
        if source.object.contains_key(name) {
            return Err(source.invalid(&format!(
                "takes its subject token from {what}, which is not supported: expected a 'file' or a 'url'"
            )));
        }
    }
    let format = format(source)?;
    match (source.optional_text("file")?, source.optional_address("url")?) {
        // yup-oauth2 ignores a file's format and would send the whole JSON text as the token.
        (Some(_), None) if matches!(format, UrlCredentialSourceFormat::Json { .. }) => Err(source.invalid(
            "takes its subject token from a JSON file, which is not supported: expected a file that holds the bare token",
        )),
        (Some(file), None) => Ok(CredentialSource::File { file }),
        (None, Some(url)) => Ok(CredentialSource::Url {
            url: url.into(),
            headers: headers(source)?,
            format,
        }),
        _ => Err(source.invalid("has an invalid 'credential_source': expected either a 'file' or a 'url'")),
    }
}

/// The format, which yup-oauth2 wants written out though its default is text.
fn format(source: &Fields<'_>) -> Result<UrlCredentialSourceFormat, Invalid> {
    let Some(format) = source.object("format")? else {
        return Ok(UrlCredentialSourceFormat::Text);
    };
    match format.optional_text("type")?.as_deref() {
        None | Some("text") => Ok(UrlCredentialSourceFormat::Text),
        Some("json") => Ok(UrlCredentialSourceFormat::Json {
            subject_token_field_name: format.text("subject_token_field_name")?,
        }),
        Some(_) => {
            Err(source.invalid("has an invalid 'format' of its source: expected the 'type' text or json"))
        }
    }
}

fn headers(source: &Fields<'_>) -> Result<Option<HashMap<String, String>>, Invalid> {
    let Some(headers) = source.object("headers")? else {
        return Ok(None);
    };
    let checked = headers.object.iter().map(|(name, value)| match value {
        // yup-oauth2 panics on what is not a header.
        Value::String(value)
            if name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok() =>
        {
            Some((name.clone(), value.clone()))
        }
        _ => None,
    });
    match checked.collect() {
        Some(headers) => Ok(Some(headers)),
        None => Err(source.invalid("has invalid 'headers' of its source: expected HTTP headers")),
    }
}

#[async_trait]
impl TokenProvider for ExternalAccount {
    async fn fetch(&self, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error> {
        let exchanged = match self.impersonation {
            Some(_) => CLOUD_PLATFORM_SCOPE,
            None => scope,
        };
        let plain = self.is_plain();
        let authenticator =
            ExternalAccountAuthenticator::with_client(self.secret.clone(), clients.yup(plain)?)
                .build()
                .await
                .map_err(|error| Error::refused("the credential cannot be used").caused_by(error))?;
        let federated = yup::taken(authenticator.force_refreshed_token(&[exchanged]).await)?;
        match &self.impersonation {
            None => Ok(federated),
            Some(target) => target.act(&clients.own(plain)?, &federated.token, scope).await,
        }
    }
}

impl ExternalAccount {
    /// Whether every address in it is an http one.
    fn is_plain(&self) -> bool {
        let source = match &self.secret.credential_source {
            CredentialSource::File { .. } => true,
            CredentialSource::Url { url, .. } => url.starts_with("http:"),
        };
        let target = self
            .impersonation
            .as_ref()
            .is_none_or(|target| target.url.scheme() == "http");
        source && target && self.secret.token_url.starts_with("http:")
    }
}
