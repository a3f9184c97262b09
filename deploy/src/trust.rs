//! Whether a release is one that a host takes: signed, whole, from where it should be, and not older than what runs.
//!
//! A pure function of what was given: no command, no network, no clock.

use std::time::{Duration, UNIX_EPOCH};

use crate::closure::{Closure, Malformed, sha256};
use crate::host_config::Policy;
use crate::protocol::{Deployed, SignedRelease};
use crate::provenance::{PREDICATE, Provenance, STATEMENT, Statement, Unfit};
use crate::release::{Host, Release};

mod envelope;
mod key;

pub use envelope::encoding;
pub use key::{KeyFault, P256, PublicKey};

/// Most bytes of a bundle and of a `release.json`; a release of 200 words has 0.1 MB.
const MOST: usize = 4 * 1024 * 1024;
/// Most bytes of a closure's lines: 20,000 paths have 3 MB.
const MOST_LINES: usize = 16 * 1024 * 1024;

/// What a host takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Trusted {
    /// `release.json`.
    pub release: Release,
    /// Paths of the host's system.
    pub closure: Closure,
    /// What the host keeps of it.
    pub deployed: Deployed,
    /// SHA-256 of `release.json`, in hexadecimal.
    pub digest: String,
}

/// Why a release is not taken. Each is one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too long to be read.
    #[error("{what} has {bytes} bytes: expected at most {most}")]
    TooLong {
        /// What.
        what: String,
        /// Its length.
        bytes: usize,
        /// The most that is read.
        most: usize,
    },
    /// Nothing can be trusted.
    #[error(
        "no public key is trusted here, so no release can be: wordtally.deployment.trust.keyFiles lists none"
    )]
    NoKeys,
    /// No Sigstore bundle of a signed statement.
    #[error("provenance.sigstore.json is no Sigstore bundle with a signed statement: {0}")]
    Bundle(String),
    /// Signed by nobody who is trusted.
    #[error(
        "provenance.sigstore.json is not signed by {0}: the key is another, or the statement was altered"
    )]
    NotSigned(String),
    /// Signed, and no statement of in-toto's.
    #[error("provenance.sigstore.json has no in-toto statement: {0}")]
    Statement(String),
    /// Signed, and of another kind.
    #[error("the signed statement is {0}: expected SLSA provenance, {PREDICATE}")]
    Kind(String),
    /// The statement names something twice.
    #[error("the signed statement names the subject {0} more than once: expected each once")]
    Subjects(String),
    /// Not the bytes that were signed.
    #[error("{what} is not what was signed: its SHA-256 is {is}, and {signed} was signed")]
    Altered {
        /// What, as the statement names it.
        what: String,
        /// Its digest.
        is: String,
        /// The digest that was signed, or `none`.
        signed: String,
    },
    /// The provenance does not fit.
    #[error(transparent)]
    Provenance(#[from] Unfit),
    /// Signed, and no `release.json`.
    #[error("release.json is malformed: {0}")]
    Release(String),
    /// No such host.
    #[error("the release has no host {name}: it has {hosts}")]
    Host {
        /// The one that was asked for.
        name: String,
        /// Those that it has.
        hosts: String,
    },
    /// Lines that are none of a closure.
    #[error(transparent)]
    Closure(#[from] Malformed),
    /// A closure of something else.
    #[error("the signed closure of hosts/{name} lacks the host's own system, {system}")]
    System {
        /// The host.
        name: String,
        /// Its system.
        system: String,
    },
    /// Another repository.
    #[error(
        "the release was built from the repository {found}, which this host does not take: expected {expected}"
    )]
    Repository {
        /// Where it is from.
        found: String,
        /// What the host takes.
        expected: String,
    },
    /// Another builder.
    #[error("the release was built by {found}, which this host does not take: expected {expected}")]
    Builder {
        /// Who built it.
        found: String,
        /// Whom the host takes.
        expected: String,
    },
    /// Another branch or tag.
    #[error("the release was built from {found}, which this host does not take: expected {expected}")]
    Ref {
        /// The ref that it is of.
        found: String,
        /// What the host takes.
        expected: String,
    },
    /// Older than what runs.
    #[error(
        "the release is older than what runs: its commit {commit} is of {time}, and {running} is of {running_time}; use `deploy rollback` to go back"
    )]
    Older {
        /// Its commit.
        commit: String,
        /// When that was made.
        time: String,
        /// The commit that runs.
        running: String,
        /// When that was made.
        running_time: String,
    },
    /// Nobody knows whether it is older.
    #[error(
        "the release does not say when its commit {0} was made, so it may be older than what runs: build it from a git repository"
    )]
    NoTime(String),
}

/// Judges a release by a host's policy, its keys and its name.
///
/// # Errors
///
/// The first reason to refuse it, cheapest proof first: nothing is read of what no key signed.
pub fn judge(
    policy: &Policy,
    keys: &[PublicKey],
    name: &str,
    signed: &SignedRelease,
) -> Result<Trusted, Refusal> {
    let statement = Signed::open(keys, &signed.bundle)?;
    let release = statement.release(&signed.release)?;
    let closure = statement.host(&release, name, &signed.closure)?;

    let parameters = &statement.provenance.build_definition.external_parameters;
    let builder = &statement.provenance.run_details.builder.id;
    if !takes(&policy.repositories, &parameters.repository) {
        return Err(Refusal::Repository {
            found: parameters.repository.clone(),
            expected: expected("repositories", &policy.repositories),
        });
    }
    if !takes(&policy.builders, builder) {
        return Err(Refusal::Builder {
            found: builder.clone(),
            expected: expected("builders", &policy.builders),
        });
    }
    if !takes(&policy.refs, &parameters.reference) {
        return Err(Refusal::Ref {
            found: parameters.reference.clone(),
            expected: expected("refs", &policy.refs),
        });
    }
    Ok(Trusted {
        deployed: statement.deployed(&release),
        digest: sha256(signed.release.as_bytes()),
        release,
        closure,
    })
}

/// Refuses a release whose commit is older than that of what runs. Equal is taken, and so is any where nothing is known
/// of what runs.
///
/// # Errors
///
/// [`Refusal::Older`], [`Refusal::NoTime`].
pub fn not_older(new: &Deployed, running: Option<&Deployed>) -> Result<(), Refusal> {
    let Some(running) = running else { return Ok(()) };
    if new.commit_time >= running.commit_time {
        return Ok(());
    }
    if new.commit_time == 0 {
        return Err(Refusal::NoTime(new.commit.clone()));
    }
    Err(Refusal::Older {
        commit: new.commit.clone(),
        time: date(new.commit_time),
        running: running.commit.clone(),
        running_time: date(running.commit_time),
    })
}

/// A statement that one of the keys signed, whose provenance is of this project's build.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    /// The statement's very bytes.
    pub payload: Vec<u8>,
    /// Name of the key that signed it.
    pub key: String,
    /// Where and of what it was built.
    pub provenance: Provenance,
    subjects: std::collections::BTreeMap<String, String>,
}

impl Signed {
    /// Opens a bundle.
    ///
    /// # Errors
    ///
    /// A bundle that none of the keys signed, or whose statement is none about a release.
    pub fn open(keys: &[PublicKey], bundle: &str) -> Result<Self, Refusal> {
        bounded("provenance.sigstore.json", bundle, MOST)?;
        if keys.is_empty() {
            return Err(Refusal::NoKeys);
        }
        let (payload, key) = envelope::open(keys, bundle)?;
        let statement: Statement<serde_json::Value> =
            serde_json::from_slice(&payload).map_err(|error| Refusal::Statement(error.to_string()))?;
        if statement.kind != STATEMENT {
            return Err(Refusal::Statement(format!(
                "its type is {}, not {STATEMENT}",
                statement.kind
            )));
        }
        if statement.predicate_type != PREDICATE {
            return Err(Refusal::Kind(statement.predicate_type));
        }
        let mut subjects = std::collections::BTreeMap::new();
        for mut subject in statement.subject {
            let digest = subject.digest.remove("sha256").unwrap_or_default();
            if subjects.insert(subject.name.clone(), digest).is_some() {
                return Err(Refusal::Subjects(subject.name));
            }
        }
        Ok(Self {
            provenance: Provenance::parse(statement.predicate)?,
            key: key.to_string(),
            payload,
            subjects,
        })
    }

    /// Refuses a subject with another SHA-256, in hexadecimal, than the signed one.
    ///
    /// # Errors
    ///
    /// [`Refusal::Altered`].
    pub fn same(&self, what: &str, digest: &str) -> Result<(), Refusal> {
        match self.subjects.get(what) {
            Some(signed) if signed == digest => Ok(()),
            other => Err(Refusal::Altered {
                what: what.to_owned(),
                is: digest.to_owned(),
                signed: other.map_or("none", String::as_str).to_owned(),
            }),
        }
    }

    /// Reads `release.json`, once it is what was signed.
    ///
    /// # Errors
    ///
    /// One that is altered, malformed, of another image, or of another commit.
    pub fn release(&self, text: &str) -> Result<Release, Refusal> {
        bounded("release.json", text, MOST)?;
        self.same("release.json", &sha256(text.as_bytes()))?;
        let release: Release =
            serde_json::from_str(text).map_err(|error| Refusal::Release(error.to_string()))?;
        self.same(
            "image",
            release.image.strip_prefix("sha256:").unwrap_or(&release.image),
        )?;
        self.provenance.of_revision(&release.revision)?;
        Ok(release)
    }

    /// Reads the lines of a host's closure, once they are what was signed.
    ///
    /// # Errors
    ///
    /// A host that the release does not have; lines that are altered or malformed, or lack the host's system.
    pub fn host(&self, release: &Release, name: &str, lines: &str) -> Result<Closure, Refusal> {
        let host = host(release, name)?;
        bounded(&format!("closures/{name}"), lines, MOST_LINES)?;
        self.same(&format!("hosts/{name}"), &sha256(lines.as_bytes()))?;
        let closure = Closure::parse(lines)?;
        if closure.0.contains_key(&host.system) {
            return Ok(closure);
        }
        Err(Refusal::System {
            name: name.to_owned(),
            system: host.system.display().to_string(),
        })
    }

    /// What a host keeps of a release.
    #[must_use]
    pub fn deployed(&self, release: &Release) -> Deployed {
        Deployed {
            version: release.version.clone(),
            commit: self.provenance.commit().to_owned(),
            commit_time: release.commit_time,
            reference: self
                .provenance
                .build_definition
                .external_parameters
                .reference
                .clone(),
        }
    }
}

/// A release's host by its name.
pub(crate) fn host<'a>(release: &'a Release, name: &str) -> Result<&'a Host, Refusal> {
    release.hosts.get(name).ok_or_else(|| Refusal::Host {
        name: name.to_owned(),
        hosts: release.hosts.keys().cloned().collect::<Vec<_>>().join(", "),
    })
}

fn bounded(what: &str, text: &str, most: usize) -> Result<(), Refusal> {
    if text.len() <= most {
        return Ok(());
    }
    Err(Refusal::TooLong {
        what: what.to_owned(),
        bytes: text.len(),
        most,
    })
}

/// Whether one of the patterns is the value, or begins it and ends with `*`.
fn takes(patterns: &[String], value: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => value == pattern,
    })
}

fn expected(option: &str, patterns: &[String]) -> String {
    if patterns.is_empty() {
        format!("none, as wordtally.deployment.trust.{option} is empty")
    } else {
        patterns.join(" or ")
    }
}

/// A time for people; a number that no calendar has stays one.
fn date(seconds: u64) -> String {
    const YEAR_9999: u64 = 253_402_300_799;
    UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .filter(|_| seconds <= YEAR_9999)
        .map_or_else(
            || format!("{seconds} s after 1970"),
            |time| humantime::format_rfc3339_seconds(time).to_string(),
        )
}
