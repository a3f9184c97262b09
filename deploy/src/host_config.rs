//! A host's own configuration of its deployments: `/etc/deploy-host/host.json`, in each system's closure.
//!
//! A new system's file is read only after its closure was compared with the signed one. The old system's program reads
//! it: a field may be added, and none may be removed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::release::Pages;

/// The path of the file below a system's store path.
pub const PATH: &str = "etc/deploy-host/host.json";

/// The content of `host.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostConfig {
    /// The host's name in a release: it accepts no other host's system.
    pub environment: String,
    /// The address of each instance on the host itself, by instance: `ADDRESS:PORT` or `unix:PATH`.
    pub listen: BTreeMap<String, String>,
    /// The pages to check from outside.
    #[serde(flatten)]
    pub pages: Pages,
    /// The encrypted file of each decrypted one, by the decrypted one's path.
    pub secrets: BTreeMap<PathBuf, PathBuf>,
    /// Private keys for decryption, tried in this order.
    pub identities: Vec<PathBuf>,
    /// The releases that this host accepts.
    pub trust: Policy,
}

/// The releases that a host accepts. A value that ends with `*` stands for every value with that prefix; an empty list
/// accepts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Files of public keys (PEM), one of which must have signed a release.
    pub key_files: Vec<PathBuf>,
    /// Repositories from which a release may be built, as in the provenance.
    pub repositories: Vec<String>,
    /// Builders that may have built it: `runDetails.builder.id`.
    pub builders: Vec<String>,
    /// Refs from which a release may be built, in full, such as `refs/heads/main` or `refs/tags/v*`.
    pub refs: Vec<String>,
}
