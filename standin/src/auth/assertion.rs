//! Signed JSON web tokens: RS256 and nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::sha2::Sha256;
use rsa::signature::Verifier;
use serde::Deserialize;

use super::authority::Clock;
use crate::iam::PublicKey;

/// The tolerated difference between two clocks, in seconds.
const SKEW: u64 = 60;
/// The longest lifetime of an assertion, in seconds.
const LONGEST: u64 = 3600;

/// A parsed token whose signature has not been verified.
pub(super) struct Assertion<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    pub(super) claims: AssertionClaims,
}

#[derive(Debug, Deserialize)]
pub(super) struct AssertionClaims {
    #[serde(default)]
    pub(super) iss: String,
    #[serde(default)]
    pub(super) sub: Option<String>,
    #[serde(default)]
    pub(super) aud: Audience,
    #[serde(default)]
    pub(super) scope: String,
    exp: Option<f64>,
    iat: Option<f64>,
}

/// One audience, or several, of which any is enough.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Audience {
    pub(super) fn is_in(&self, allowed: &[String]) -> bool {
        match self {
            Self::One(audience) => allowed.contains(audience),
            Self::Many(audiences) => audiences.iter().any(|audience| allowed.contains(audience)),
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that must be understood; the stand-in understands none.
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> Assertion<'a> {
    /// Splits and parses the token; some clients pad its parts with `=`.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        if header.alg != "RS256" || header.crit.is_some() {
            return None;
        }
        Some(Self {
            signed,
            signature: decode(signature)?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
        })
    }

    /// Whether the signature is by one of the keys.
    pub(super) fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let Ok(signature) = Signature::try_from(self.signature.as_slice()) else {
            return false;
        };
        keys.iter().any(|key| {
            let key = VerifyingKey::<Sha256>::new(key.key.clone());
            key.verify(self.signed.as_bytes(), &signature).is_ok()
        })
    }

    /// Whether the token is valid now and short-lived.
    pub(super) fn is_current(&self) -> bool {
        let (Some(iat), Some(exp)) = (
            self.claims.iat.and_then(seconds),
            self.claims.exp.and_then(seconds),
        ) else {
            return false;
        };
        let now = Clock::now();
        iat <= now + SKEW && exp.saturating_add(SKEW) > now && iat < exp && exp - iat <= LONGEST
    }
}

/// Whole seconds since 1970; none if the value is not such a time.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn seconds(number: f64) -> Option<u64> {
    (0.0..1e12).contains(&number).then_some(number as u64)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}
