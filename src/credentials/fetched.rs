use std::fmt;
use std::time::Duration;

use super::error::Error;
use crate::secrets::remember;

/// A token as a server sent it. Its `Debug` form omits the token.
pub(crate) struct Fetched {
    pub(crate) token: String,
    /// How long it is valid from now; none if the server did not say.
    pub(crate) lifetime: Option<Duration>,
}

impl Fetched {
    /// Accepts a token that is present, can be sent in a header and has not expired.
    pub(crate) fn new(token: Option<&str>, lifetime: Option<Duration>) -> Result<Self, Error> {
        let token = token.unwrap_or_default();
        if token.is_empty() {
            return Err(Error::unavailable(
                "the token server's response has no access token",
            ));
        }
        if token.len() > 16 * 1024 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::unavailable(
                "the token server's access token contains characters that a header cannot have",
            ));
        }
        if lifetime == Some(Duration::ZERO) {
            return Err(Error::unavailable(
                "the token server's access token has expired already",
            ));
        }
        remember(token);
        Ok(Self {
            token: token.to_owned(),
            lifetime,
        })
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
