//! The folder that `attest` wrote, once its signature is verified.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::closure::Closure;
use crate::protocol::{Deployed, SignedRelease};
use crate::release::{Deployment, Release};
use crate::trust::{PublicKey, Signed};

/// Most bytes that are read of one of its files.
const MOST: u64 = 16 * 1024 * 1024;

/// A release that one of the keys signed.
#[derive(Debug)]
pub struct Attested {
    folder: PathBuf,
    signed: Signed,
    release: Release,
    bundle: String,
    text: String,
}

/// What is brought to one host.
#[derive(Debug)]
pub struct Target {
    /// The host's name.
    pub name: String,
    /// Its system.
    pub system: PathBuf,
    /// The program that each of its words must execute.
    pub program: PathBuf,
    /// How it is reached and checked.
    pub deployment: Deployment,
    /// What it will know of the release.
    pub deployed: Deployed,
    /// The paths of its system, as they were signed.
    pub closure: Closure,
    /// What it is offered.
    pub offer: SignedRelease,
}

/// Reads the folder, and refuses a release that no key signed, that was altered or is of another commit.
pub(super) fn read(folder: &Path, key: Option<&Path>, commit: Option<&str>) -> Result<Attested, String> {
    let key =
        key.ok_or("no public key is given that it could be signed by: give --key or $COSIGN_PUBLIC_KEY")?;
    let key = PublicKey::read(key).map_err(|error| error.to_string())?;
    let bundle = text(folder, "provenance.sigstore.json")?;
    let text = text(folder, "release.json")?;
    let signed = Signed::open(&[key], &bundle).map_err(|error| error.to_string())?;
    let release = signed.release(&text).map_err(|error| error.to_string())?;
    let found = signed.provenance.commit();
    if let Some(asked) = commit.filter(|asked| *asked != found) {
        return Err(format!("the release is of commit {found}, and not of {asked}"));
    }
    Ok(Attested {
        folder: folder.to_owned(),
        signed,
        release,
        bundle,
        text,
    })
}

impl Attested {
    /// A host's part of it, whose closure is what was signed.
    pub(super) fn target(&self, name: &str) -> Result<Target, String> {
        let lines = match self.release.hosts.contains_key(name) {
            true => text(&self.folder, &format!("closures/{name}"))?,
            false => String::new(),
        };
        let closure = self
            .signed
            .host(&self.release, name, &lines)
            .map_err(|error| error.to_string())?;
        let host = self
            .release
            .hosts
            .get(name)
            .ok_or_else(|| format!("the release has no host {name}"))?;
        Ok(Target {
            name: name.to_owned(),
            system: host.system.clone(),
            program: self.release.package.join("bin/wordtally"),
            deployment: host.deployment.clone(),
            deployed: self.signed.deployed(&self.release),
            closure,
            offer: SignedRelease {
                bundle: self.bundle.clone(),
                release: self.text.clone(),
                closure: lines,
            },
        })
    }
}

fn text(folder: &Path, name: &str) -> Result<String, String> {
    let path = folder.join(name);
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| file.take(MOST + 1).read_to_string(&mut text))
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if text.len() as u64 > MOST {
        return Err(format!("{} has more than {MOST} bytes", path.display()));
    }
    Ok(text)
}
