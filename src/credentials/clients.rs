use std::time::Duration;

use super::error::Error;
use crate::config::Invalid;
use crate::transport::{TokenClient, Transport};

/// Makes the HTTP clients of one fetch. A plain one speaks to http addresses and needs no certificates.
pub(super) struct Clients<'a> {
    pub(super) transport: &'a Transport,
    /// How long each request may take.
    pub(super) limit: Duration,
}

impl Clients<'_> {
    /// For requests of our own.
    pub(super) fn own(&self, plain: bool) -> Result<reqwest::Client, Error> {
        self.transport
            .client(plain, self.limit)
            .map_err(unusable)?
            .build()
            .map_err(|error| Error::unavailable("cannot make an HTTP client").caused_by(error))
    }

    /// For yup-oauth2's.
    pub(super) fn yup(&self, plain: bool) -> Result<TokenClient, Error> {
        self.transport.token_client(plain).map_err(unusable)
    }
}

fn unusable(invalid: Invalid) -> Error {
    Error::unavailable("cannot make an HTTP client").caused_by(invalid)
}
