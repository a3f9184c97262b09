//! Public keys for releases: ECDSA on the curve P-256, in PEM, as cosign creates them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";
/// A longer file is not a key of any kind.
const MOST: u64 = 64 * 1024;
/// The bytes before the point in the `SubjectPublicKeyInfo` of such a key: id-ecPublicKey, prime256v1, a bit string of
/// 65 bytes. DER has one encoding, so nothing else is such a key.
pub const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    point: Vec<u8>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, io::Error),
    /// It is a private key.
    #[error("{0} is a private key: expected its public half, such as cosign.pub")]
    Private(String),
    /// It is not a key.
    #[error("{0} is malformed: expected PEM that begins with {BEGIN}")]
    NotPem(String),
    /// It is another kind of key.
    #[error(
        "{0} is another kind of public key: expected ECDSA on the curve P-256, as `cosign generate-key-pair` makes it"
    )]
    Kind(String),
}

impl PublicKey {
    /// Parses a key in PEM.
    ///
    /// # Errors
    ///
    /// See [`KeyFault`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyFault> {
        Self::named("the public key", pem)
    }

    /// Reads a PEM file, which names the key.
    ///
    /// # Errors
    ///
    /// See [`KeyFault`].
    pub fn read(file: &Path) -> Result<Self, KeyFault> {
        let mut bytes = Vec::new();
        File::open(file)
            .and_then(|opened| opened.take(MOST).read_to_end(&mut bytes))
            .map_err(|error| KeyFault::Unreadable(file.to_owned(), error))?;
        Self::named(&file.display().to_string(), &String::from_utf8_lossy(&bytes))
    }

    fn named(name: &str, pem: &str) -> Result<Self, KeyFault> {
        let name = name.to_owned();
        let Some(body) = pem
            .split_once(BEGIN)
            .and_then(|(_, rest)| rest.split_once(END))
            .map(|(body, _)| body)
        else {
            return Err(if pem.contains("PRIVATE KEY-----") {
                KeyFault::Private(name)
            } else {
                KeyFault::NotPem(name)
            });
        };
        let body: String = body.split_ascii_whitespace().collect();
        let Ok(der) = STANDARD.decode(body) else {
            return Err(KeyFault::NotPem(name));
        };
        match der.strip_prefix(&P256) {
            // Uncompressed, as every tool writes it.
            Some(point) if point.len() == 65 && point.first() == Some(&4) => Ok(Self {
                name,
                point: point.to_vec(),
            }),
            _ => Err(KeyFault::Kind(name)),
        }
    }

    /// Its PEM text.
    #[must_use]
    pub fn pem(&self) -> String {
        let body = STANDARD.encode([&P256[..], &self.point].concat());
        format!("{BEGIN}\n{body}\n{END}\n")
    }

    /// Whether it verifies this signature (ASN.1) of these bytes.
    #[must_use]
    pub fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point)
            .verify(bytes, signature)
            .is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.name)
    }
}
