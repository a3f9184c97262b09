//! Whether a host accepts a release: signed, complete, from an accepted source, and not older than the running one.
//!
//! A pure function of its arguments: no command, no network, no clock.

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

/// The largest bundle and `release.json`, in bytes; a release of 200 words has 0.1 MB.
const MOST: usize = 4 * 1024 * 1024;
/// The largest closure text, in bytes: 20,000 paths have 3 MB.
const MOST_LINES: usize = 16 * 1024 * 1024;

/// An accepted release.
#[derive(Debug, Clone, PartialEq)]
pub struct Trusted {
    /// `release.json`.
    pub release: Release,
    /// Paths of the host's system.
    pub closure: Closure,
    /// The host's record of it.
    pub deployed: Deployed,
    /// SHA-256 of `release.json`, in hexadecimal.
    pub digest: String,
}

/// Why a release is refused, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too long.
    #[error("{what} has {bytes} bytes: expected at most {most}")]
    TooLong {
        /// The name of the text.
        what: String,
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// No key is trusted.
    #[error(
        "no public key is trusted here, so no release can be: wordtally.deployment.trust.keyFiles lists none"
    )]
    NoKeys,
    /// Not a Sigstore bundle with a signed statement.
    #[error("provenance.sigstore.json is not a Sigstore bundle with a signed statement: {0}")]
    Bundle(String),
    /// Not signed by a trusted key.
    #[error(
        "provenance.sigstore.json is not signed by {0}: the key is another, or the statement was altered"
    )]
    NotSigned(String),
    /// The signed payload is not an in-toto statement.
    #[error("provenance.sigstore.json has no in-toto statement: {0}")]
    Statement(String),
    /// The signed statement is of another kind.
    #[error("the signed statement is {0}: expected SLSA provenance, {PREDICATE}")]
    Kind(String),
    /// The statement has a subject twice.
    #[error("the signed statement names the subject {0} more than once: expected each once")]
    Subjects(String),
    /// Not the signed bytes.
    #[error("{what} is not what was signed: its SHA-256 is {is}, and {signed} was signed")]
    Altered {
        /// The subject's name in the statement.
        what: String,
        /// Its digest.
        is: String,
        /// The digest that was signed, or `none`.
        signed: String,
    },
    /// The provenance does not fit.
    #[error(transparent)]
    Provenance(#[from] Unfit),
    /// The signed `release.json` is malformed.
    #[error("release.json is malformed: {0}")]
    Release(String),
    /// The host does not exist.
    #[error("the release has no host {name}: it has {hosts}")]
    Host {
        /// The requested one.
        name: String,
        /// The existing ones.
        hosts: String,
    },
    /// Malformed lines of a closure.
    #[error(transparent)]
    Closure(#[from] Malformed),
    /// A closure of another system.
    #[error("the signed closure of hosts/{name} lacks the host's own system, {system}")]
    System {
        /// The host.
        name: String,
        /// Its system.
        system: String,
    },
    /// Another repository.
    #[error(
        "the release was built from the repository {found}, which this host does not accept: expected {expected}"
    )]
    Repository {
        /// Its repository.
        found: String,
        /// The accepted ones.
        expected: String,
    },
    /// Another builder.
    #[error("the release was built by {found}, which this host does not accept: expected {expected}")]
    Builder {
        /// Its builder.
        found: String,
        /// The accepted ones.
        expected: String,
    },
    /// Another branch or tag.
    #[error("the release was built from {found}, which this host does not accept: expected {expected}")]
    Ref {
        /// Its ref.
        found: String,
        /// The accepted ones.
        expected: String,
    },
    /// Older than the running release.
    #[error(
        "the release is older than what runs: its commit {commit} is of {time}, and {running} is of {running_time}; use `deploy rollback` to go back"
    )]
    Older {
        /// Its commit.
        commit: String,
        /// Its time.
        time: String,
        /// The running commit.
        running: String,
        /// Its time.
        running_time: String,
    },
    /// Its age is not known.
    #[error(
        "the release does not say when its commit {0} was made, so it may be older than what runs: build it from a git repository"
    )]
    NoTime(String),
}

/// Verifies a release by a host's policy, its keys and its name.
///
/// # Errors
///
/// The first reason to refuse it, the cheapest check first: nothing unsigned is parsed.
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

/// Refuses a release whose commit is older than the running one. An equal time is accepted, and so is any release if
/// the running one is not known.
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

/// A statement that one of the keys signed, whose provenance is that of a build of this project.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    /// The exact bytes of the statement.
    pub payload: Vec<u8>,
    /// The name of the key that signed it.
    pub key: String,
    /// The build and its sources.
    pub provenance: Provenance,
    subjects: std::collections::BTreeMap<String, String>,
}

impl Signed {
    /// Opens a bundle.
    ///
    /// # Errors
    ///
    /// A bundle that none of the keys signed, or whose statement is not about a release.
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

    /// Refuses a subject whose SHA-256, in hexadecimal, is not the signed one.
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

    /// Parses `release.json`, once it matches the signed one.
    ///
    /// # Errors
    ///
    /// It is altered, malformed, of another image, or of another commit.
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

    /// Parses the lines of a host's closure, once they match the signed ones.
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

    /// A host's record of a release.
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

/// Whether one of the patterns equals the value, or ends with `*` and is a prefix of it.
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

/// A time for people; a number without a calendar date is returned unchanged.
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
