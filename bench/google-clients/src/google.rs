//! Credentials for Google's clients.

use std::error::Error;

use google_cloud_auth::credentials::{Credentials, external_account, mds, service_account, user_account};
use serde_json::Value;

/// The credentials in a file, or those of the metadata server. Makes ring the process's cryptography provider.
///
/// # Errors
///
/// A credential of a type that is not known here, or that google-cloud-auth does not accept.
pub fn credentials(file: &Value) -> Result<Credentials, Box<dyn Error>> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "the process already has a cryptography provider")?;
    Ok(match file.get("type").and_then(Value::as_str) {
        None => mds::Builder::default().build()?,
        Some("service_account") => service_account::Builder::new(file.clone()).build()?,
        Some("authorized_user") => user_account::Builder::new(file.clone()).build()?,
        Some("external_account") => external_account::Builder::new(file.clone()).build()?,
        Some(other) => return Err(format!("invalid credential type '{other}'").into()),
    })
}
