//! The checkout of a release: its commit, its ref, and its origin.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::{Fault, program};
use crate::release::Release;

/// A clean checkout of a release's commit.
pub(super) struct Checkout {
    /// Its folder.
    pub(super) root: PathBuf,
    /// The commit.
    pub(super) commit: String,
}

impl Checkout {
    /// The current checkout. It must be clean, at the job's commit, and at the release's.
    pub(super) fn of(release: &Release) -> Result<Self, Fault> {
        let (revision, version) = (&release.revision, &release.version);
        if let Some(tag) = variable("CI_COMMIT_TAG").filter(|tag| tag.strip_prefix('v') != Some(version)) {
            return Err(Fault::Refused(format!(
                "the tag {tag} is not that of version {version}: expected v{version}"
            )));
        }

        let root = PathBuf::from(program::said(
            "git",
            Command::new("git").args(["rev-parse", "--show-toplevel"]),
        )?);
        let mut checkout = Self {
            root,
            commit: String::new(),
        };
        checkout.commit = checkout.git(&["rev-parse", "HEAD"])?;
        let commit = &checkout.commit;
        if let Some(job) = variable("CI_COMMIT_SHA").filter(|job| job != commit) {
            return Err(Fault::Refused(format!(
                "commit {commit} is checked out, but $CI_COMMIT_SHA is {job}"
            )));
        }
        // Files that are not in git are not part of a flake.
        let status = ["status", "--porcelain", "--untracked-files=no"];
        let changed = program::run(
            "git",
            Command::new("git").current_dir(&checkout.root).args(status),
            b"",
        )?;
        if let Some(line) = String::from_utf8_lossy(&changed).lines().next() {
            // Two letters give the status.
            return Err(Fault::Refused(format!(
                "{} differs from commit {commit}: commit or restore it first",
                line.get(3..).unwrap_or(line)
            )));
        }
        // Nix reports no revision if an input was overridden: the build then differs from the commit.
        if revision != commit {
            return Err(Fault::Refused(format!(
                "the release was built from commit {revision}, but {commit} is checked out"
            )));
        }
        Ok(checkout)
    }

    /// Its branch or tag, in full; `HEAD` if there is none.
    pub(super) fn reference(&self) -> String {
        if let Some(tag) = variable("CI_COMMIT_TAG") {
            return format!("refs/tags/{tag}");
        }
        if let Some(branch) = variable("CI_COMMIT_BRANCH") {
            return format!("refs/heads/{branch}");
        }
        self.git(&["symbolic-ref", "--quiet", "HEAD"])
            .unwrap_or_else(|_| "HEAD".to_owned())
    }

    /// The address of the sources; never with a credential, and never a folder of this machine.
    pub(super) fn repository(&self) -> Option<String> {
        let url = variable("CI_PROJECT_URL").or_else(|| self.git(&["config", "remote.origin.url"]).ok())?;
        let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| *scheme != "file")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Some(format!("{scheme}://{host}/{path}"))
    }

    fn git(&self, arguments: &[&str]) -> Result<String, Fault> {
        program::said("git", Command::new("git").current_dir(&self.root).args(arguments))
    }
}

/// A variable of the job that is not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
