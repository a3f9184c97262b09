//! What a host's own configuration says of its deployments: `/etc/deploy-host/host.json`, in each system's closure.
//!
//! A new system's file is read only after its closure was compared with what was signed. The program that reads it is the
//! old system's: a field may be added, and none may go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::release::Pages;

/// Where the file is below a system's store path.
pub const PATH: &str = "etc/deploy-host/host.json";

/// The content of `host.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostConfig {
    /// The host's name in a release: it takes no other host's system.
    pub environment: String,
    /// Where each instance is asked on the host itself, by instance: `ADDRESS:PORT` or `unix:PATH`.
    pub listen: BTreeMap<String, String>,
    /// What is asked from outside.
    #[serde(flatten)]
    pub pages: Pages,
    /// Encrypted file behind each decrypted one, by the decrypted one's path.
    pub secrets: BTreeMap<PathBuf, PathBuf>,
    /// Private keys that open them, tried in this order.
    pub identities: Vec<PathBuf>,
    /// Which releases this host takes.
    pub trust: Policy,
}

/// Which releases a host takes. A value that ends with `*` stands for each that begins so; an empty list takes none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Files of public keys (PEM) of which one must have signed.
    pub key_files: Vec<PathBuf>,
    /// Repositories that it may be built from, as the provenance names them.
    pub repositories: Vec<String>,
    /// Builders that may have built it: `runDetails.builder.id`.
    pub builders: Vec<String>,
    /// Refs that it may be built from, in full, such as `refs/heads/main` or `refs/tags/v*`.
    pub refs: Vec<String>,
}
