//! A service account's private key, which signs the request for a token.
//!
//! yup-oauth2 could do it, but it reads a response of any size and panics on a lifetime that its clock cannot
//! represent. It also sends what it signs itself, so that its requests cannot be limited.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::RsaSigningKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use serde_json::{Value, json};
use url::Url;

use super::clients::Clients;
use super::credential::{TokenProvider, Type};
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use super::token_request::grant;
use crate::config::Invalid;

pub(super) const TYPE: Type = Type {
    name: "service_account",
    parse,
};

/// How long an assertion is valid, in seconds: the longest that Google accepts.
const LIFETIME: u64 = 3600;

struct ServiceAccount {
    email: String,
    token_uri: Url,
    key: RsaSigningKey,
}

fn parse(fields: &Fields<'_>) -> Result<Box<dyn TokenProvider>, Invalid> {
    let pem = fields.text("private_key")?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .ok()
        .and_then(|key| RsaSigningKey::new(&key).ok())
        .ok_or_else(|| {
            fields.invalid(
                "has an invalid 'private_key': expected an RSA key in PEM form, as Google Cloud wrote it",
            )
        })?;
    Ok(Box::new(ServiceAccount {
        email: fields.text("client_email")?,
        token_uri: fields.address("token_uri")?,
        key,
    }))
}

#[async_trait]
impl TokenProvider for ServiceAccount {
    async fn fetch(&self, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error> {
        let begin = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let claims = json!({
            "iss": self.email,
            "scope": scope,
            "aud": self.token_uri.as_str(),
            "iat": begin,
            "exp": begin + LIFETIME,
        });
        let assertion =
            sign(&self.key, &claims).ok_or_else(|| Error::refused("the private key cannot sign"))?;
        grant(
            &clients.client(self.token_uri.scheme() == "http")?,
            &self.token_uri,
            &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &assertion),
            ],
        )
        .await
    }
}

/// A JSON web token with these claims (RFC 7515, RS256).
fn sign(key: &RsaSigningKey, claims: &Value) -> Option<String> {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "RS256", "typ": "JWT" });
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])?;
    let signature = signer.sign(signed.as_bytes()).ok()?;
    Some(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}
