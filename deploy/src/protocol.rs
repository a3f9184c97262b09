//! What `deploy` asks a host and what `deploy-host` answers: one request a connection, each a line of JSON.
//!
//! Only [`Request::Receive`] has bytes after its line. A response is one line: [`Response::Done`] or
//! [`Response::Refused`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::release::Pages;
use crate::state::State;

/// Version of this protocol. A host refuses another one by name.
pub const VERSION: u32 = 1;

/// Most bytes of a request's line: a closure of 20,000 paths has 3 MB.
pub const MOST: u64 = 16 * 1024 * 1024;

/// The line that a connection begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`VERSION`] of whoever asks.
    pub version: u32,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What a host is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Request {
    /// What runs, and the last deployment: [`Status`].
    Status,
    /// Judges a release by the host's policy and keeps its files: [`Offered`].
    Offer(SignedRelease),
    /// Takes paths of an offered release; a [`PathHeader`] line and the path's NAR for each, and an empty line at the
    /// end. Each NAR is compared with what was signed before the store takes it. [`Empty`].
    Receive {
        /// The offered release, by [`Offered::release`].
        release: String,
    },
    /// Begins a deployment of an offered release whose paths are all here: [`Empty`].
    Begin {
        /// Name of the deployment: 16 hexadecimal digits.
        id: String,
        /// The offered release, by [`Offered::release`].
        release: String,
        /// Seconds in which the host waits for the confirmation.
        confirmation: u64,
        /// Why words that are not ready do not refuse it; goes to the host's log.
        force: Option<String>,
    },
    /// Begins to go back to a generation of the system's profile: [`RollingBack`].
    Rollback {
        /// Name of the deployment: 16 hexadecimal digits.
        id: String,
        /// The generation; none: the newest before the boot default.
        generation: Option<u64>,
        /// Seconds in which the host waits for the confirmation.
        confirmation: u64,
    },
    /// How a deployment stands: [`Progress`].
    Progress {
        /// Its name.
        id: String,
        /// Lines of its log that are known already.
        seen: usize,
    },
    /// The pages are right from outside: the new system stays. [`Empty`].
    Confirm {
        /// Its name.
        id: String,
    },
    /// It goes back. [`Empty`].
    Abort {
        /// Its name.
        id: String,
        /// Why.
        reason: String,
    },
    /// Computes anew the digest of what runs, and asks what each word executes: [`Checked`].
    Check,
    /// What the activation of an offered release would do, whose paths are all here: [`Text`].
    DryRun {
        /// The offered release, by [`Offered::release`].
        release: String,
    },
    /// How the closure of an offered release, whose paths are all here, differs from what runs: [`Text`].
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

/// A release as `attest` wrote it, with one host's closure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedRelease {
    /// `provenance.sigstore.json`: the signed statement.
    pub bundle: String,
    /// `release.json`.
    pub release: String,
    /// The sorted lines `PATH HASH` of the closure of the host's system, whose digest was signed.
    pub closure: String,
}

/// What precedes each path's NAR in [`Request::Receive`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathHeader {
    /// The store path.
    pub path: PathBuf,
    /// The paths that it refers to, itself included where it does.
    pub references: Vec<PathBuf>,
    /// Bytes of its NAR.
    pub size: u64,
}

/// What a host answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response<T> {
    /// It was done.
    Done(T),
    /// It was not done: one sentence.
    Refused(String),
}

/// Nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its lines.
    pub text: String,
}

/// What runs on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The host's name in a release.
    pub environment: String,
    /// System that runs.
    pub current: PathBuf,
    /// System that the next start boots; none on a machine without a profile.
    pub default: Option<PathBuf>,
    /// Generation of it.
    pub generation: Option<u64>,
    /// The release that the running system was deployed from, where this host knows it.
    pub release: Option<Deployed>,
    /// The last deployment, under way or ended.
    pub last: Option<Record>,
    /// Whether one is under way.
    pub under_way: bool,
    /// What each word says at `/readyz`, by instance.
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

/// A release that a host would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offered {
    /// Name of the release from here on: the SHA-256 of its `release.json`, in hexadecimal.
    pub release: String,
    /// The host's system in it.
    pub system: PathBuf,
    /// Paths that the host lacks, in no order.
    pub missing: Vec<PathBuf>,
}

/// A rollback that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollingBack {
    /// The generation that it goes to.
    pub generation: u64,
    /// Its system.
    pub system: PathBuf,
    /// What is asked of it from outside.
    pub pages: Pages,
}

/// How a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Where it is.
    pub state: State,
    /// Why, where it did not reach its end.
    pub reason: Option<String>,
    /// Lines of its log that are new.
    pub lines: Vec<String>,
    /// Words that were not ready before it began either: their pages are reported, and refuse nothing.
    pub excused: Vec<String>,
}

/// What a host says of its own bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// System that runs.
    pub current: PathBuf,
    /// System that the next start boots.
    pub default: Option<PathBuf>,
    /// Digest of the closure of what runs, by the host's own store.
    pub closure: String,
    /// Program that each word executes, by instance; none where it does not run.
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
    /// The release that it was deployed from, where this host knows it.
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

/// One deployment, as the host keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its name.
    pub id: String,
    /// When it began, in seconds since 1970.
    pub begun: u64,
    /// The system that it brought.
    pub system: PathBuf,
    /// The system that ran before.
    pub before: PathBuf,
    /// The release that it brought; none for a rollback to a system that this host knows no release of.
    pub release: Option<Deployed>,
    /// The generation that it went back to, where it was a rollback.
    pub generation: Option<u64>,
    /// Why it was forced.
    pub force: Option<String>,
    /// How it stands.
    pub state: State,
    /// Why, where it did not reach its end.
    pub reason: Option<String>,
    /// Words that were not ready before it began either: they refused nothing.
    #[serde(default)]
    pub excused: Vec<String>,
}
