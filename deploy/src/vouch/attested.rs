//! The folder that `attest` writes. Nothing in it is trusted before it was compared with the signed statement.

use std::path::{Path, PathBuf};

use super::{BUNDLE, CLOSURES, Fault, STATEMENT, read, read_text};
use crate::closure::{Closure, sha256};
use crate::protocol::{Deployed, SignedRelease};
use crate::release::{Deployment, Release};
use crate::trust::{self, PublicKey, Signed};

/// A release whose signature, bytes and commit were verified.
#[derive(Debug, Clone)]
pub struct Attested {
    folder: PathBuf,
    /// The opened bundle.
    pub signed: Signed,
    /// `provenance.sigstore.json`.
    bundle: String,
    /// `release.json`.
    text: String,
    /// Its content.
    pub release: Release,
}

/// A host's part of a release that one of the keys signed.
#[derive(Debug, Clone)]
pub struct Target {
    /// The host's name.
    pub name: String,
    /// Its system.
    pub system: PathBuf,
    /// The program that each of its words must execute.
    pub program: PathBuf,
    /// The host's address and checks.
    pub deployment: Deployment,
    /// The record of the release that the host will keep.
    pub deployed: Deployed,
    /// The signed paths of its system.
    pub closure: Closure,
    /// The part that is offered to the host.
    pub offer: SignedRelease,
}

/// Reads it, and verifies what all hosts share: the signature, `release.json`, and the commit if one is given.
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
    /// The part of the host with this name.
    ///
    /// # Errors
    ///
    /// A host that the release does not have, or lines that do not match the signed ones.
    pub fn target(&self, name: &str) -> Result<Target, Fault> {
        let host = trust::host(&self.release, name)?;
        let lines = read_text(&self.folder.join(CLOSURES).join("hosts").join(name))?;
        Ok(Target {
            name: name.to_owned(),
            system: host.system.clone(),
            program: self.release.package.join("bin/wordtally"),
            deployment: host.deployment.clone(),
            deployed: self.signed.deployed(&self.release),
            closure: self.signed.host(&self.release, name, &lines)?,
            offer: SignedRelease {
                bundle: self.bundle.clone(),
                release: self.text.clone(),
                closure: lines,
            },
        })
    }

    /// Its name on a host: the SHA-256 of `release.json`, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(self.text.as_bytes())
    }

    /// The rest of the folder, which no host needs: the readable statement, the bill of materials, the package.
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
