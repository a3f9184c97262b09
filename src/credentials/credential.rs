//! The types of credential that a file can contain.

use std::fmt;

use async_trait::async_trait;

use super::TYPES;
use super::clients::Clients;
use super::error::Error;
use super::fetched::Fetched;
use super::fields::Fields;
use crate::config::Invalid;

/// A type of credential.
pub struct Type {
    /// The value of the file's `type` field.
    pub name: &'static str,
    /// Reads and checks the other fields.
    pub(super) parse: fn(&Fields<'_>) -> Result<Box<dyn TokenProvider>, Invalid>,
}

/// Fetches tokens.
#[async_trait]
pub(super) trait TokenProvider: Send + Sync {
    /// Fetches a new token for the scope.
    async fn fetch(&self, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error>;
}

/// A credential that was read and checked. Its `Debug` form shows only the type.
pub struct Credential {
    name: &'static str,
    provider: Box<dyn TokenProvider>,
}

impl Credential {
    /// Reads a credential of the type that its object names.
    pub(super) fn parse(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let named = fields.optional_text("type")?;
        let Some(known) = TYPES.iter().find(|known| named.as_deref() == Some(known.name)) else {
            return Err(unknown(fields));
        };
        Ok(Self {
            name: known.name,
            provider: (known.parse)(fields)?,
        })
    }

    /// Fetches a new token for the scope.
    pub(super) async fn fetch(&self, clients: &Clients<'_>, scope: &str) -> Result<Fetched, Error> {
        self.provider.fetch(clients, scope).await
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The error for a type that is missing or unknown.
pub(super) fn unknown(fields: &Fields<'_>) -> Invalid {
    let names: Vec<&str> = TYPES.iter().map(|known| known.name).collect();
    let listed = match names.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    };
    fields.invalid(&format!("has no known 'type': expected {listed}"))
}
