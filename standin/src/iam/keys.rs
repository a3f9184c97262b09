use std::path::Path;
use std::{fmt, io};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::json;

use super::{PublicKey, ServiceAccount};
use crate::files;

const BITS: usize = 2048;

/// A service account's key pair. `Debug` shows no key.
#[derive(Clone)]
pub struct ServiceAccountKey {
    email: String,
    project: String,
    id: String,
    private_pem: String,
    public: PublicKey,
}

/// Why a key could not be created or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot make or read an RSA key: {0}")]
pub struct KeyError(String);

impl KeyError {
    fn new(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl ServiceAccountKey {
    /// Writes the key file, readable only by its owner. It must not exist yet.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    pub fn write_new(&self, path: &Path, token_uri: &str) -> io::Result<()> {
        files::create_new(path, 0o600, &self.to_json(token_uri))
    }

    /// Creates a new 2048-bit key for the account.
    pub fn generate(email: &str, project: &str) -> Result<Self, KeyError> {
        let private = RsaPrivateKey::new(&mut OsRng, BITS).map_err(KeyError::new)?;
        let private_pem = private
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(KeyError::new)?
            .to_string();
        let public_pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(KeyError::new)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, public_pem.as_bytes());
        Ok(Self {
            email: email.to_owned(),
            project: project.to_owned(),
            // Google's key IDs have 40 hexadecimal digits.
            id: hex::encode(digest.as_ref()).chars().take(40).collect(),
            private_pem,
            public: PublicKey::try_from(public_pem).map_err(KeyError::new)?,
        })
    }

    /// The service account file in Google's form, including the private key, with this token address.
    pub fn to_json(&self, token_uri: &str) -> String {
        let client_id = ring::digest::digest(&ring::digest::SHA256, self.email.as_bytes());
        let client_id: String = client_id
            .as_ref()
            .iter()
            .take(21)
            .map(|byte| char::from(b'0' + byte % 10))
            .collect();
        format!(
            "{:#}\n",
            json!({
                "type": "service_account",
                "project_id": self.project,
                "private_key_id": self.id,
                "private_key": self.private_pem,
                "client_email": self.email,
                "client_id": client_id,
                "token_uri": token_uri,
                "universe_domain": "googleapis.com",
            })
        )
    }

    /// The account as it is listed in the IAM file, with the public half of this key.
    pub fn account(&self) -> ServiceAccount {
        ServiceAccount {
            email: self.email.clone(),
            project: self.project.clone(),
            public_keys: vec![self.public.clone()],
            token_creators: Vec::new(),
        }
    }

    /// The account's address.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The account as an IAM member: `serviceAccount:EMAIL`.
    pub fn member(&self) -> String {
        format!("serviceAccount:{}", self.email)
    }

    /// A JSON web token with these claims, signed with RS256: an assertion, or an identity provider's token.
    pub fn sign_jwt(&self, claims: &serde_json::Value) -> Result<String, KeyError> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.id});
        let head = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let signature = encode(&self.sign(head.as_bytes())?);
        Ok(format!("{head}.{signature}"))
    }

    /// Signs with RS256 (for tests that forge assertions).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let key = RsaPrivateKey::from_pkcs8_pem(&self.private_pem).map_err(KeyError::new)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, message);
        key.sign(rsa::Pkcs1v15Sign::new::<rsa::sha2::Sha256>(), digest.as_ref())
            .map_err(KeyError::new)
    }
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey")
            .field("email", &self.email)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub(super) fn read_public(pem: &str) -> Result<RsaPublicKey, String> {
    RsaPublicKey::from_public_key_pem(pem.trim())
        .or_else(|error| RsaPublicKey::from_pkcs1_pem(pem.trim()).map_err(|_| error))
        .map_err(|error| error.to_string())
}
