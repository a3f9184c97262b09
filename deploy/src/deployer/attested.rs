//! What is brought to one host, once it is verified here.

use std::path::PathBuf;

use crate::closure::Closure;
use crate::protocol::{Deployed, SignedRelease};
use crate::release::Deployment;
use crate::vouch::Fault;
use crate::vouch::attested::Attested;

/// A host's part of a release that one of the keys signed.
#[derive(Debug)]
pub(super) struct Target {
    /// The host's name.
    pub(super) name: String,
    /// Its system.
    pub(super) system: PathBuf,
    /// The program that each of its words must execute.
    pub(super) program: PathBuf,
    /// How it is reached and checked.
    pub(super) deployment: Deployment,
    /// What it will know of the release.
    pub(super) deployed: Deployed,
    /// The paths of its system, as they were signed.
    pub(super) closure: Closure,
    /// What it is offered.
    pub(super) offer: SignedRelease,
}

impl Target {
    /// The part of the host with this name, whose closure is what was signed.
    pub(super) fn new(attested: &Attested, name: &str) -> Result<Self, Fault> {
        let (offer, closure) = attested.offer(name)?;
        let host = attested
            .release
            .hosts
            .get(name)
            .ok_or_else(|| Fault::Refused(format!("the release has no host {name}")))?;
        Ok(Self {
            name: name.to_owned(),
            system: host.system.clone(),
            program: attested.release.package.join("bin/wordtally"),
            deployment: host.deployment.clone(),
            deployed: attested.deployed(),
            closure,
            offer,
        })
    }
}
