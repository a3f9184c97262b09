use std::time::{Duration, SystemTime, UNIX_EPOCH};

use url::Url;
use yup_oauth2::error::{AuthErrorCode, CredentialSourceError};
use yup_oauth2::{
    AccessToken, CustomHyperClientBuilder, ExternalAccountAuthenticator, ServiceAccountAuthenticator,
};

use super::error::{Error, chain, clean};
use super::fetched::Fetched;
use super::file::{Credential, File};
use super::search::Source;
use super::{BIGQUERY_SCOPE, CLOUD_PLATFORM_SCOPE, oauth};
use crate::config::Invalid;
use crate::transport::Transport;

impl Fetched {
    /// Takes a token that is there, can stand in a header and is not over already.
    pub(crate) fn new(token: Option<&str>, lifetime: Option<Duration>) -> Result<Self, Error> {
        let token = token.unwrap_or_default();
        if token.is_empty() {
            return Err(Error::unavailable(
                "the token server's answer holds no access token",
            ));
        }
        if token.len() > 16 * 1024 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::unavailable(
                "the token server's access token can't stand in a header",
            ));
        }
        if lifetime == Some(Duration::ZERO) {
            return Err(Error::unavailable(
                "the token server's access token has expired already",
            ));
        }
        Ok(Self {
            token: token.to_owned(),
            lifetime,
        })
    }
}

/// Fetches a new token for BigQuery. The file is read each time, so that a new key needs no restart.
pub(super) async fn fetch(source: &Source, transport: &Transport, limit: Duration) -> Result<Fetched, Error> {
    match source {
        Source::Metadata(base) => {
            oauth::metadata_token(&client(transport, true, limit)?, base, BIGQUERY_SCOPE).await
        }
        Source::File(path) => {
            let path = path.clone();
            let file = tokio::task::spawn_blocking(move || File::read(&path))
                .await
                .map_err(|_| Error::unavailable("reading the credential file was broken off"))?
                .map_err(|invalid| Error::refused(invalid.to_string()))?;
            from_credential(&file.credential, transport, limit, BIGQUERY_SCOPE).await
        }
    }
}

/// The project that the metadata server names.
pub(super) async fn project(base: &Url, transport: &Transport, limit: Duration) -> Result<String, Error> {
    let client = client(transport, true, limit)?;
    oauth::metadata_project(&client, base).await
}

async fn from_credential(
    credential: &Credential,
    transport: &Transport,
    limit: Duration,
    scope: &str,
) -> Result<Fetched, Error> {
    let plain = credential.is_plain();
    match credential {
        Credential::ServiceAccount(key) => {
            let client = CustomHyperClientBuilder::from(transport.token_client(plain).map_err(unusable)?);
            let authenticator = ServiceAccountAuthenticator::with_client((**key).clone(), client)
                .build()
                .await
                .map_err(|error| Error::refused(format!("the private key can't be used: {error}")))?;
            taken(authenticator.force_refreshed_token(&[scope]).await)
        }
        Credential::AuthorizedUser(user) => oauth::refresh(&client(transport, plain, limit)?, user).await,
        Credential::ExternalAccount(account) => {
            let exchanged = match account.impersonation {
                Some(_) => CLOUD_PLATFORM_SCOPE,
                None => scope,
            };
            let hyper = CustomHyperClientBuilder::from(transport.token_client(plain).map_err(unusable)?);
            let authenticator = ExternalAccountAuthenticator::with_client(account.secret.clone(), hyper)
                .build()
                .await
                .map_err(|error| Error::refused(format!("the credential can't be used: {error}")))?;
            let federated = taken(authenticator.force_refreshed_token(&[exchanged]).await)?;
            match &account.impersonation {
                None => Ok(federated),
                Some(target) => {
                    let client = client(transport, plain, limit)?;
                    oauth::impersonate(&client, target, &federated.token, scope).await
                }
            }
        }
        Credential::Impersonated { source, target } => {
            let own = Box::pin(from_credential(source, transport, limit, CLOUD_PLATFORM_SCOPE)).await?;
            let plain = target.url.scheme() == "http";
            oauth::impersonate(&client(transport, plain, limit)?, target, &own.token, scope).await
        }
    }
}

fn client(transport: &Transport, plain: bool, limit: Duration) -> Result<reqwest::Client, Error> {
    transport
        .client(plain, limit)
        .map_err(unusable)?
        .build()
        .map_err(|error| Error::unavailable(format!("no HTTP client can be made: {error}")))
}

fn unusable(invalid: Invalid) -> Error {
    Error::unavailable(invalid.to_string())
}

/// Checks what yup-oauth2 takes for a token: it lets an answer without one pass, and keeps no status.
fn taken(result: Result<AccessToken, yup_oauth2::Error>) -> Result<Fetched, Error> {
    let token = result.map_err(sorted)?;
    let lifetime = token.expiration_time().map(|end| {
        let end = UNIX_EPOCH + Duration::from_secs(u64::try_from(end.unix_timestamp()).unwrap_or(0));
        end.duration_since(SystemTime::now()).unwrap_or_default()
    });
    Fetched::new(token.token(), lifetime)
}

fn sorted(error: yup_oauth2::Error) -> Error {
    use yup_oauth2::Error as Yup;
    match &error {
        Yup::AuthError(answer) => {
            let cause = format!("the token server answered {}", clean(&answer.to_string()));
            match answer.error {
                AuthErrorCode::Other(_) => Error::unavailable(cause),
                _ => Error::refused(cause),
            }
        }
        Yup::JSONError(_) => {
            Error::unavailable("the token server answered with no JSON, or not the right one")
        }
        Yup::CredentialSourceError(CredentialSourceError::JsonInvalid(_)) => {
            Error::unavailable("the subject token's server answered with no JSON")
        }
        Yup::LowLevelError(error) => {
            Error::refused(format!("the subject token's file can't be read: {error}"))
        }
        Yup::HttpError(error) => {
            Error::unavailable(format!("the token server can't be reached: {}", chain(error)))
        }
        Yup::HttpClientError(error) => {
            Error::unavailable(format!("the token server can't be reached: {}", chain(error)))
        }
        other => Error::refused(clean(&other.to_string())),
    }
}
