//! The folder that `attest` writes. Nothing in it is believed before it was compared with what was signed.

use std::path::{Path, PathBuf};

use super::{BUNDLE, CLOSURES, Fault, STATEMENT, read, read_text};
use crate::closure::{Closure, sha256};
use crate::protocol::{Deployed, SignedRelease};
use crate::release::Release;
use crate::trust::{PublicKey, Signed};

/// A release whose signature, bytes and commit are as they must be.
#[derive(Debug, Clone)]
pub struct Attested {
    folder: PathBuf,
    /// The opened bundle.
    pub signed: Signed,
    /// `provenance.sigstore.json`.
    pub bundle: String,
    /// `release.json`.
    pub text: String,
    /// What that says.
    pub release: Release,
}

/// Reads it, and verifies what all hosts share: the signature, `release.json`, and the commit where one is given.
///
/// # Errors
///
/// See [`Fault`].
pub fn read_release(folder: &Path, key: &PublicKey, commit: Option<&str>) -> Result<Attested, Fault> {
    let bundle = read_text(&folder.join(BUNDLE))?;
    let signed = Signed::open(std::slice::from_ref(key), &bundle)?;
    let text = read_text(&folder.join("release.json"))?;
    let release = signed.release(&text)?;
    if let Some(commit) = commit {
        signed.provenance.of_commit(commit)?;
    }
    Ok(Attested {
        folder: folder.to_owned(),
        signed,
        bundle,
        text,
        release,
    })
}

impl Attested {
    /// A host's closure, as it was signed.
    ///
    /// # Errors
    ///
    /// A host that the release does not have, or lines that are not what was signed.
    pub fn closure(&self, host: &str) -> Result<Closure, Fault> {
        Ok(self.offer(host)?.1)
    }

    /// What a host is offered, and its closure.
    ///
    /// # Errors
    ///
    /// A host that the release does not have, or lines that are not what was signed.
    pub fn offer(&self, host: &str) -> Result<(SignedRelease, Closure), Fault> {
        // A host that there is not has no file either: that is said first.
        let lines = match self.release.hosts.get(host) {
            Some(_) => read_text(&self.folder.join(CLOSURES).join("hosts").join(host))?,
            None => String::new(),
        };
        let closure = self.signed.host(&self.release, host, &lines)?;
        let offer = SignedRelease {
            bundle: self.bundle.clone(),
            release: self.text.clone(),
            closure: lines,
        };
        Ok((offer, closure))
    }

    /// What a host keeps of it.
    #[must_use]
    pub fn deployed(&self) -> Deployed {
        self.signed.deployed(&self.release)
    }

    /// Its name on a host: the SHA-256 of `release.json`, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(self.text.as_bytes())
    }

    /// The rest of the folder, which no host asks for: the readable statement, the bill of materials, the package.
    pub(super) fn verify_rest(&self) -> Result<(), Fault> {
        if read(&self.folder.join(STATEMENT))? != self.signed.payload {
            return Err(Fault::Refused(format!("{STATEMENT} is not what was signed")));
        }
        for (subject, file) in [
            ("sbom.cdx.json", Path::new("sbom.cdx.json").to_owned()),
            ("package", Path::new(CLOSURES).join("package")),
        ] {
            self.signed
                .same(subject, &sha256(&read(&self.folder.join(file))?))?;
        }
        Ok(())
    }
}
