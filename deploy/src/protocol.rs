//! The requests of `deploy` and the answers of `deploy-host`: one request per connection, each a line of JSON.
//!
//! Only [`Request::Receive`] has bytes after its line. An answer is one line: [`Response::Done`] or
//! [`Response::Refused`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::release::Pages;
use crate::state::State;

/// The version of this protocol. A host refuses any other version, and names it.
pub const VERSION: u32 = 1;

/// The longest line of a request, in bytes: a closure of 20,000 paths has 3 MB.
pub const MOST: u64 = 16 * 1024 * 1024;

/// The first line of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The client's [`VERSION`].
    pub version: u32,
    /// The request.
    #[serde(flatten)]
    pub request: Request,
}

/// The requests to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Request {
    /// The running system, and the last deployment: [`Status`].
    Status,
    /// Verifies a release by the host's policy and keeps its files: [`Offered`].
    Offer(SignedRelease),
    /// Receives paths of an offered release: a [`PathHeader`] line and the path's NAR for each, and an empty line at
    /// the end. Each NAR is compared with the signed one before it is added to the store. [`Empty`].
    Receive {
        /// The offered release, by [`Offered::release`].
        release: String,
    },
    /// Starts a deployment of an offered release whose paths are all in the store: [`Empty`].
    Begin {
        /// Name of the deployment: 16 hexadecimal digits.
        id: String,
        /// The offered release, by [`Offered::release`].
        release: String,
        /// The seconds for which the host waits for the confirmation.
        confirmation: u64,
        /// Why words that are not ready do not refuse it, for the host's log.
        force: Option<String>,
    },
    /// Starts a rollback to a generation of the system profile: [`RollingBack`].
    Rollback {
        /// Name of the deployment: 16 hexadecimal digits.
        id: String,
        /// The generation; none: the newest before the boot default.
        generation: Option<u64>,
        /// The seconds for which the host waits for the confirmation.
        confirmation: u64,
    },
    /// The progress of a deployment: [`Progress`].
    Progress {
        /// Its name.
        id: String,
        /// The number of lines of its log that are already known.
        seen: usize,
    },
    /// Confirms that the pages are correct from outside: the new system stays. [`Empty`].
    Confirm {
        /// Its name.
        id: String,
    },
    /// Rolls back. [`Empty`].
    Abort {
        /// Its name.
        id: String,
        /// Why.
        reason: String,
    },
    /// Computes the digest of the running system again, and asks which program each word executes: [`Checked`].
    Check,
    /// A description of what the activation of an offered release would do, whose paths are all in the store: [`Text`].
    DryRun {
        /// The offered release, by [`Offered::release`].
        release: String,
    },
    /// The differences between the closure of an offered release, whose paths are all in the store, and the running
    /// one: [`Text`].
    Diff {
        /// The offered release, by [`Offered::release`].
        release: String,
    },
    /// Stops the words until the next deployment or restart: [`Empty`].
    Stop,
    /// The generations that a rollback can go to: [`Generations`].
    List,
    /// The deployments of this host, the newest last: [`Deployments`].
    Log,
}

/// A release as `attest` wrote it, with the closure of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedRelease {
    /// `provenance.sigstore.json`: the signed statement.
    pub bundle: String,
    /// `release.json`.
    pub release: String,
    /// The sorted lines `PATH HASH` of the closure of the host's system; their digest was signed.
    pub closure: String,
}

/// The line before each path's NAR in [`Request::Receive`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathHeader {
    /// The store path.
    pub path: PathBuf,
    /// The paths that it refers to, including itself if it does.
    pub references: Vec<PathBuf>,
    /// The size of its NAR, in bytes.
    pub size: u64,
}

/// The answers of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response<T> {
    /// It was carried out.
    Done(T),
    /// It was refused, with one sentence.
    Refused(String),
}

/// No content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its lines.
    pub text: String,
}

/// The state of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The host's name in a release.
    pub environment: String,
    /// The running system.
    pub current: PathBuf,
    /// The system that the next start boots; none on a machine without a profile.
    pub default: Option<PathBuf>,
    /// The generation of that system.
    pub generation: Option<u64>,
    /// The release that the running system was deployed from, if this host knows it.
    pub release: Option<Deployed>,
    /// The last deployment, under way or ended.
    pub last: Option<Record>,
    /// Whether one is under way.
    pub under_way: bool,
    /// The response of each word at `/readyz`, by instance.
    pub words: std::collections::BTreeMap<String, String>,
}

/// A release that a system was deployed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// Its version.
    pub version: String,
    /// Its commit.
    pub commit: String,
    /// Time of the commit, in seconds since 1970.
    pub commit_time: u64,
    /// The ref that it was built from.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// A release that a host accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offered {
    /// The name of the release from here on: the SHA-256 of its `release.json`, in hexadecimal.
    pub release: String,
    /// The host's system in it.
    pub system: PathBuf,
    /// Paths that the host lacks, in no particular order.
    pub missing: Vec<PathBuf>,
}

/// A rollback that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollingBack {
    /// The generation that it rolls back to.
    pub generation: u64,
    /// Its system.
    pub system: PathBuf,
    /// The pages to check from outside.
    pub pages: Pages,
}

/// The progress of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Its state.
    pub state: State,
    /// The reason, if it did not reach its end.
    pub reason: Option<String>,
    /// New lines of its log.
    pub lines: Vec<String>,
    /// Words that were not ready before it started either: their pages are reported, and refuse nothing.
    pub excused: Vec<String>,
}

/// A host's report about its own files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// The running system.
    pub current: PathBuf,
    /// The system that the next start boots.
    pub default: Option<PathBuf>,
    /// The digest of the running closure, by the host's own store.
    pub closure: String,
    /// The program that each word executes, by instance; none if it does not run.
    pub programs: std::collections::BTreeMap<String, Option<PathBuf>>,
}

/// A generation of the system's profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// Its system.
    pub system: PathBuf,
    /// When it was made, in seconds since 1970.
    pub made: u64,
    /// Whether it runs.
    pub current: bool,
    /// Whether it is the boot default.
    pub default: bool,
    /// The release that it was deployed from, if this host knows it.
    pub release: Option<Deployed>,
}

/// The generations of a host, the newest last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generations {
    /// Each of them.
    pub generations: Vec<Generation>,
}

/// The deployments of a host, the newest last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployments {
    /// Each that is kept.
    pub deployments: Vec<Record>,
}

/// One deployment, as the host records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its name.
    pub id: String,
    /// When it began, in seconds since 1970.
    pub begun: u64,
    /// The new system.
    pub system: PathBuf,
    /// The system that ran before.
    pub before: PathBuf,
    /// The deployed release; none for a rollback to a system whose release this host does not know.
    pub release: Option<Deployed>,
    /// The generation that it rolled back to, if it was a rollback.
    pub generation: Option<u64>,
    /// Why it was forced.
    pub force: Option<String>,
    /// Its state.
    pub state: State,
    /// The reason, if it did not reach its end.
    pub reason: Option<String>,
    /// Words that were not ready before it started either: they refused nothing.
    #[serde(default)]
    pub excused: Vec<String>,
}
