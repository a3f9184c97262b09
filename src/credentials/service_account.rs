//! A private key signs for a token. yup-oauth2 does it.

use async_trait::async_trait;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use yup_oauth2::{ServiceAccountAuthenticator, ServiceAccountKey};

use super::clients::Clients;
use super::credential::{TokenProvider, Type};
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use super::yup;
use crate::config::Invalid;

pub(super) const TYPE: Type = Type {
    name: "service_account",
    parse,
};

struct ServiceAccount(ServiceAccountKey);

fn parse(fields: &Fields<'_>) -> Result<Box<dyn TokenProvider>, Invalid> {
    let private_key = fields.text("private_key")?;
    let usable = PrivateKeyDer::from_pem_slice(private_key.as_bytes())
        .is_ok_and(|key| rustls::crypto::ring::sign::RsaSigningKey::new(&key).is_ok());
    if !usable {
        return Err(fields.invalid(
            "has an invalid 'private_key': expected an RSA key in PEM form, as Google Cloud wrote it",
        ));
    }
    Ok(Box::new(ServiceAccount(ServiceAccountKey {
        key_type: None,
        project_id: None,
        private_key_id: None,
        private_key,
        client_email: fields.text("client_email")?,
        client_id: None,
        auth_uri: None,
        token_uri: fields.address("token_uri")?.into(),
        auth_provider_x509_cert_url: None,
        client_x509_cert_url: None,
    })))
}

#[async_trait]
impl TokenProvider for ServiceAccount {
    async fn fetch(&self, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error> {
        let client = clients.yup(self.0.token_uri.starts_with("http:"))?;
        let authenticator = ServiceAccountAuthenticator::with_client(self.0.clone(), client)
            .build()
            .await
            .map_err(|error| Error::refused("the private key cannot be used").caused_by(error))?;
        yup::taken(authenticator.force_refreshed_token(&[scope]).await)
    }
}
