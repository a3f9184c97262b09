use std::time::Duration;

use super::error::Error;
use crate::config::Invalid;
use crate::transport::Transport;

/// Creates the HTTP clients of one fetch. A plain client is for http addresses and needs no certificates.
pub(super) struct Clients<'a> {
    pub(super) transport: &'a Transport,
    /// How long each request may take.
    pub(super) limit: Duration,
}

impl Clients<'_> {
    /// A client whose requests end within the limit.
    pub(super) fn client(&self, plain: bool) -> Result<reqwest::Client, Error> {
        self.transport
            .client(plain, self.limit)
            .map_err(unusable)?
            .build()
            .map_err(|error| Error::unavailable("cannot make an HTTP client").caused_by(error))
    }
}

fn unusable(invalid: Invalid) -> Error {
    Error::unavailable("cannot make an HTTP client").caused_by(invalid)
}
