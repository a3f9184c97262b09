//! The description of a release: `release.json`, whose digest the provenance contains.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The content of `release.json`. It names no store path that only the builder's machine needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Version of the package.
    pub version: String,
    /// The commit that it was built from; with the suffix `-dirty`, or `unknown`, if it was not built from a commit.
    pub revision: String,
    /// The time of that commit, in seconds since 1970, which decides which of two releases is older.
    pub commit_time: u64,
    /// Store path of the program, which all hosts share.
    pub package: PathBuf,
    /// Digest of the image's manifest, `sha256:…`.
    pub image: String,
    /// The `narHash` of each of the flake's inputs, by its path in the flake.
    pub inputs: BTreeMap<String, String>,
    /// Each host's system, by the host's name.
    pub hosts: BTreeMap<String, Host>,
}

/// One host of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Store path of its system.
    pub system: PathBuf,
    /// How to reach and check it.
    pub deployment: Deployment,
}

/// How to reach a host, and the expected content of its pages: `wordtally.deployment` of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// The name or address for SSH.
    pub address: String,
    /// Port of its SSH.
    pub port: u16,
    /// The public key of its SSH; none accepts any key, for a machine on the loopback.
    pub host_key: Option<String>,
    /// The pages to check from outside.
    #[serde(flatten)]
    pub pages: Pages,
}

/// The pages of a host, and their expected counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pages {
    /// Address of each word's page, by instance.
    pub pages: BTreeMap<String, String>,
    /// The PEM text of the authority that the certificate is checked against; if none, this machine's authorities.
    pub certificate_authority: Option<String>,
    /// Expected counts, by instance and corpus.
    pub expected_counts: Counts,
}

/// Expected counts, by instance and corpus.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;
