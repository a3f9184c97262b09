use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::store::{Revoked, Store, StoreError};
use super::{Claims, token};
use crate::iam::Policy;

/// Seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Clock;

impl Clock {
    /// The system's time.
    pub fn now() -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map(|since| since.as_secs())
            .unwrap_or_default()
    }
}

/// Issues, reads and revokes access tokens, and has the IAM policy.
pub struct Authority {
    policy: RwLock<Policy>,
    key: hmac::Key,
    store: Store,
    revoked: Mutex<Revoked>,
    lifetime: Duration,
    audiences: Vec<String>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// An access token with its remaining lifetime in seconds.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) seconds: u64,
    pub(crate) expires: u64,
}

impl Authority {
    /// An authority with this policy; `audiences` are the token addresses that assertions may name.
    pub fn new(
        policy: Policy,
        state: Option<&Path>,
        lifetime: Duration,
        audiences: Vec<String>,
    ) -> Result<Self, StoreError> {
        let store = Store::open(state)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &store.secret()?);
        let revoked = Mutex::new(store.revoked()?);
        Ok(Self {
            policy: RwLock::new(policy),
            key,
            store,
            revoked,
            lifetime,
            audiences,
        })
    }

    /// Reads the policy.
    pub fn with_policy<T>(&self, read: impl FnOnce(&Policy) -> T) -> T {
        read(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the policy.
    pub fn change_policy<T>(&self, change: impl FnOnce(&mut Policy) -> T) -> T {
        change(&mut self.policy.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The token addresses that assertions may name; the first is the stand-in's own.
    pub(super) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// A new access token; none if the system provides no random numbers.
    pub(crate) fn issue(&self, principal: &str, scope: &str, lifetime: Option<Duration>) -> Option<Issued> {
        let lifetime = lifetime.unwrap_or(self.lifetime).min(self.lifetime).as_secs();
        let mut nonce = [0; 12];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let expires = Clock::now().saturating_add(lifetime);
        let claims = Claims {
            principal: principal.to_owned(),
            scope: scope.to_owned(),
            expires,
            generation: self.lock().generation,
            nonce: hex::encode(nonce),
        };
        Some(Issued {
            token: token::seal(&self.key, &claims)?,
            seconds: lifetime,
            expires,
        })
    }

    /// The claims of a token, if it is ours, has not expired, is not revoked, and its principal still exists.
    pub fn read(&self, token: &str) -> Option<Claims> {
        let claims = token::open(&self.key, token)?;
        let current = {
            let revoked = self.lock();
            claims.generation == revoked.generation && !revoked.contains(token)
        };
        let valid = current
            && claims.expires > Clock::now()
            && self.with_policy(|policy| policy.knows(&claims.principal));
        valid.then_some(claims)
    }

    /// Whether a refresh token was revoked.
    pub(super) fn is_revoked(&self, token: &str) -> bool {
        self.lock().contains(token)
    }

    /// Revokes one access or refresh token; false if it is neither.
    pub fn revoke(&self, token: &str) -> Result<bool, StoreError> {
        let until = match token::open(&self.key, token) {
            Some(claims) => claims.expires,
            None if self.is_refresh_token(token) => u64::MAX,
            None => return Ok(false),
        };
        let mut revoked = self.lock();
        revoked.insert(token, until, Clock::now());
        self.store.keep(&revoked)?;
        Ok(true)
    }

    /// Revokes every access token issued so far.
    pub fn revoke_all(&self) -> Result<(), StoreError> {
        let mut revoked = self.lock();
        revoked.generation += 1;
        self.store.keep(&revoked)
    }

    fn is_refresh_token(&self, token: &str) -> bool {
        self.with_policy(|policy| {
            let digests = policy.users.iter().flat_map(|user| &user.refresh_token_sha256);
            digests.fold(false, |found, digest| super::has_digest(token, digest) | found)
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Revoked> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
