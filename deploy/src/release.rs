//! What a release says of itself: `release.json`, which the provenance vouches for by its digest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The content of `release.json`. It names no store path that only the builder's machine has to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Version of the package.
    pub version: String,
    /// Commit that it was built from; with `-dirty`, or `unknown`, where that is no commit.
    pub revision: String,
    /// Time of that commit, in seconds since 1970: what makes one release older than another.
    pub commit_time: u64,
    /// Store path of the program, which all hosts share.
    pub package: PathBuf,
    /// Digest of the image's manifest, `sha256:…`.
    pub image: String,
    /// `narHash` of each of the flake's inputs, by its path in the flake.
    pub inputs: BTreeMap<String, String>,
    /// Each host's system, by the host's name.
    pub hosts: BTreeMap<String, Host>,
}

/// One host of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Store path of its system.
    pub system: PathBuf,
    /// How it is reached and checked.
    pub deployment: Deployment,
}

/// How a host is reached, and what its pages must say: `wordtally.deployment` of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Name or address that SSH connects to.
    pub address: String,
    /// Port of its SSH.
    pub port: u16,
    /// Public key that its SSH must show; none takes any, which is for a machine on the loopback.
    pub host_key: Option<String>,
    /// What is asked from outside.
    #[serde(flatten)]
    pub pages: Pages,
}

/// What a client asks of a host, and what the answers must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pages {
    /// Address of each word's page, by instance.
    pub pages: BTreeMap<String, String>,
    /// PEM text of the authority that the certificate is checked against; none: this machine's authorities.
    pub certificate_authority: Option<String>,
    /// Known counts, by instance and corpus.
    pub expected_counts: Counts,
}

/// Known counts, by instance and corpus.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;
