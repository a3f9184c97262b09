//! Access tokens: claims and an HMAC of them, so that none needs to be stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "ya29.standin.";

/// The content of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Its principal, in the form of an IAM member.
    pub principal: String,
    /// Its scopes, separated by spaces.
    pub scope: String,
    /// The second since 1970 at which it expires.
    pub expires: u64,
    /// Its generation of tokens: revoking all tokens starts the next one.
    pub generation: u64,
    /// A random value, so that two tokens of the same second differ.
    pub nonce: String,
}

impl Claims {
    /// Whether the token has at least one of these scopes.
    pub fn allows(&self, scopes: &[&str]) -> bool {
        self.scope
            .split_ascii_whitespace()
            .any(|scope| scopes.contains(&scope))
    }
}

pub(super) fn seal(key: &hmac::Key, claims: &Claims) -> Option<String> {
    let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).ok()?);
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(key, body.as_bytes()));
    Some(format!("{PREFIX}{body}.{tag}"))
}

pub(super) fn open(key: &hmac::Key, token: &str) -> Option<Claims> {
    let (body, tag) = token.strip_prefix(PREFIX)?.split_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(key, body.as_bytes(), &tag).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_token_does_not_open() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let claims = Claims {
            principal: "user:a@example.com".into(),
            scope: "s".into(),
            expires: 1,
            generation: 0,
            nonce: "n".into(),
        };
        let token = seal(&key, &claims).unwrap();
        assert_eq!(open(&key, &token), Some(claims));
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"other");
        assert_eq!(open(&other, &token), None);
        assert_eq!(open(&key, &token[..token.len() - 2]), None);
        assert_eq!(open(&key, &token.replace("standin.e", "standin.f")), None);
    }
}
