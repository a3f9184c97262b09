//! The service account of the machine itself.

use url::Url;

use super::clients::Clients;
use super::error::Error;
use super::fetched::Fetched;
use super::token_request::{exchange, granted, refusal, send};

/// The name tells the operator that no credential file was found.
const NAME: &str = "the metadata server (asked because no credential file was found)";

/// Fetches a token of the machine's own service account.
pub(super) async fn fetch(base: &Url, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error> {
    let address = format!("{base}computeMetadata/v1/instance/service-accounts/default/token?scopes={scope}");
    granted(&send(get(clients, address)?, NAME).await?)
}

/// The project that the metadata server reports.
pub(super) async fn project(base: &Url, clients: &Clients<'_>) -> Result<String, Error> {
    let address = format!("{base}computeMetadata/v1/project/project-id");
    let (status, body) = exchange(get(clients, address)?, NAME).await?;
    if !status.is_success() {
        return Err(refusal(status, &body, NAME));
    }
    Ok(String::from_utf8_lossy(&body).trim().to_owned())
}

fn get(clients: &Clients<'_>, address: String) -> Result<reqwest::RequestBuilder, Error> {
    Ok(clients
        .client(true)?
        .get(address)
        .header("metadata-flavor", "Google"))
}
