//! Commands for a release where it is built: publish, attest, verify.
//!
//! cosign, git, nix-store and skopeo do their own work; this module decides what is signed, and what that proves.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::closure::Malformed;
use crate::provenance::Unfit;
use crate::trust::{KeyFault, PublicKey, Refusal};

pub mod attest;
pub mod attested;
mod built;
mod checkout;
mod cosign;
mod program;
pub mod publish;
mod registry;
mod statement;
mod store;
pub mod verify;
pub mod verify_image;

/// The files of a release that the statement identifies by their bytes.
const FILES: [&str; 2] = ["release.json", "sbom.cdx.json"];
/// The signed statement, for people.
const STATEMENT: &str = "provenance.json";
/// The signed statement, with its signature.
const BUNDLE: &str = "provenance.sigstore.json";
/// The folder of the closures' lines, each with the name of its subject.
const CLOSURES: &str = "closures";

/// Why a command failed, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file that cannot be read or written.
    #[error("{path} cannot be {done}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        done: &'static str,
        /// Why.
        error: io::Error,
    },
    /// A malformed file.
    #[error("{path} is malformed: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A release that is not trusted.
    #[error(transparent)]
    Trust(#[from] Refusal),
    /// A provenance that does not fit.
    #[error(transparent)]
    Provenance(#[from] Unfit),
    /// No public key.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// No public key was named.
    #[error(
        "no public key is named: give --key FILE or set $COSIGN_PUBLIC_KEY; docs/how-to/release-it.md says how to make the key pair"
    )]
    NoKey,
    /// No private key was named.
    #[error(
        "no private key is named: set $COSIGN_KEY to its file; docs/how-to/release-it.md says how to make the key pair"
    )]
    NoSigningKey,
    /// A program that failed.
    #[error("{program}: {said}")]
    Program {
        /// The program.
        program: &'static str,
        /// The last line of its standard error.
        said: String,
    },
    /// A program that exceeded its limit.
    #[error("{program} did not finish within {}", humantime::format_duration(*.limit))]
    Slow {
        /// The program.
        program: &'static str,
        /// Its limit.
        limit: Duration,
    },
    /// A failed check, with a program's own words.
    #[error("{what}: {source}")]
    Because {
        /// The failed check.
        what: String,
        /// The program's failure.
        source: Box<Fault>,
    },
    /// A failed check.
    #[error("{0}")]
    Refused(String),
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
}

impl Fault {
    /// Puts the meaning of the failure first.
    fn means(self, what: impl Into<String>) -> Self {
        Self::Because {
            what: what.into(),
            source: Box::new(self),
        }
    }

    fn malformed(path: &Path, reason: impl ToString) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// A malformed line of a closure.
impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Trust(malformed.into())
    }
}

/// The public key that must have signed a release.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PublicKeyArg {
    /// Public key of the signature [default: this flake's]
    #[arg(long, value_name = "FILE", env = "COSIGN_PUBLIC_KEY", hide_env_values = true)]
    pub key: Option<PathBuf>,
}

impl PublicKeyArg {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// No key is named, or the file is not one.
    pub fn read(&self) -> Result<PublicKey, Fault> {
        let file = self.key.as_deref().filter(|file| !file.as_os_str().is_empty());
        Ok(PublicKey::read(file.ok_or(Fault::NoKey)?)?)
    }
}

/// For clap: the whole SHA, because a prefix could be another commit's.
///
/// # Errors
///
/// Anything else than 40 or 64 hexadecimal digits.
pub fn commit_sha(text: &str) -> Result<String, String> {
    if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(text.to_owned())
    } else {
        Err("expected a full commit SHA: 40 or 64 hexadecimal digits".to_owned())
    }
}

/// The bytes of a file.
fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| Fault::File {
        path: path.to_owned(),
        done: "read",
        error,
    })
}

/// The text of a file.
fn read_text(path: &Path) -> Result<String, Fault> {
    String::from_utf8(read(path)?).map_err(|_| Fault::malformed(path, "it is not UTF-8"))
}
