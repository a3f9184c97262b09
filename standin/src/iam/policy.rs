use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::keys;

/// The content of an IAM file. Every part is optional; whatever is not granted is refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// The service accounts, with the public halves of their keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_accounts: Vec<ServiceAccount>,
    /// The users who gave a client a refresh token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<User>,
    /// The providers of workload identity federation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workload_identity_providers: Vec<WorkloadIdentityProvider>,
    /// Roles by project: `roles/bigquery.jobUser` may run jobs, `roles/bigquery.dataViewer` may read all its datasets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub projects: BTreeMap<String, Bindings>,
    /// Roles by dataset, `project.dataset`: `roles/bigquery.dataViewer` may read it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub datasets: BTreeMap<String, Bindings>,
    /// The machine that the metadata server pretends to be on; without it there is no metadata server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// The members who have each role.
pub type Bindings = BTreeMap<String, Vec<String>>;

/// A service account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAccount {
    /// Its address, the `iss` of its assertions.
    pub email: String,
    /// The project that it belongs to.
    pub project: String,
    /// The public halves of its keys. An account that is only impersonated, or served by the metadata server, needs
    /// none.
    #[serde(default)]
    pub public_keys: Vec<PublicKey>,
    /// The members that may impersonate it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_creators: Vec<String>,
}

/// A public key in PEM: `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY` (PKCS#1), checked when it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    pem: String,
    pub(crate) key: rsa::RsaPublicKey,
}

impl TryFrom<String> for PublicKey {
    type Error = String;

    fn try_from(pem: String) -> Result<Self, String> {
        let key = keys::read_public(&pem).map_err(|error| {
            format!("invalid RSA public key in PEM ({error}): expected the text that keygen wrote")
        })?;
        Ok(Self { pem, key })
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.pem
    }
}

/// A user who let a client act for them, as `gcloud auth application-default login` does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// Their address.
    pub email: String,
    /// The client's ID.
    pub client_id: String,
    /// SHA-256 of the client's secret, in hexadecimal.
    pub client_secret_sha256: String,
    /// SHA-256 of each refresh token, in hexadecimal.
    pub refresh_token_sha256: Vec<String>,
}

/// A provider of workload identity federation, whose tokens are exchanged for ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadIdentityProvider {
    /// `//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    pub audience: String,
    /// The `iss` of the tokens that it accepts.
    pub issuer: String,
    /// The issuer's public keys.
    pub public_keys: Vec<PublicKey>,
    /// The `aud` that it accepts; if there are none, the provider's own name with or without the prefix `https:`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_audiences: Vec<String>,
}

/// The service account and project of the machine that the metadata server pretends to be on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The service account's address; it must be listed.
    pub email: String,
    /// The project's ID.
    pub project: String,
}

/// Why an IAM file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("cannot read the IAM file {path}: {source}: expected the path of a JSON file in --iam")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Its content is not that of an IAM file.
    #[error("the IAM file {path} is not valid: {source}")]
    Parse {
        /// The file.
        path: String,
        /// Where and why.
        source: serde_json::Error,
    },
}

impl Policy {
    /// Reads an IAM file.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = || path.display().to_string();
        let text = std::fs::read(path).map_err(|source| LoadError::Read { path: name(), source })?;
        serde_json::from_slice(&text).map_err(|source| LoadError::Parse { path: name(), source })
    }

    /// Reads and combines IAM files.
    pub fn load_all(paths: &[PathBuf]) -> Result<Self, LoadError> {
        let mut policy = Self::default();
        for path in paths {
            policy.merge(Self::load(path)?);
        }
        Ok(policy)
    }

    /// Adds the content of another file. Roles are combined, and an account that is listed twice has the keys of both.
    pub fn merge(&mut self, other: Self) {
        for account in other.service_accounts {
            match self.account_mut(&account.email) {
                Some(known) => {
                    known.public_keys.extend(account.public_keys);
                    known.token_creators.extend(account.token_creators);
                }
                None => self.service_accounts.push(account),
            }
        }
        self.users.extend(other.users);
        self.workload_identity_providers
            .extend(other.workload_identity_providers);
        for (into, from) in [
            (&mut self.projects, other.projects),
            (&mut self.datasets, other.datasets),
        ] {
            for (resource, bindings) in from {
                let known = into.entry(resource).or_default();
                for (role, members) in bindings {
                    known.entry(role).or_default().extend(members);
                }
            }
        }
        self.metadata = other.metadata.or(self.metadata.take());
    }

    /// A service account by its address.
    pub fn account(&self, email: &str) -> Option<&ServiceAccount> {
        self.service_accounts
            .iter()
            .find(|account| account.email == email)
    }

    /// A service account by its address, for changes.
    pub fn account_mut(&mut self, email: &str) -> Option<&mut ServiceAccount> {
        self.service_accounts
            .iter_mut()
            .find(|account| account.email == email)
    }
}
