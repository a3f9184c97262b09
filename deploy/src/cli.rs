//! The command line of `deploy`.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::keys;
use crate::vouch::{self, PublicKeyArg, commit_sha};

const MAIN_HELP: &str = "\
Examples:
  deploy to mock-prod --commit \"$(git rev-parse HEAD)\" --identity KEY
  deploy check mock-prod
  deploy rollback mock-prod

Exit codes:
  0  the command succeeded, or what it checked holds
  1  the command failed, or what it checked does not hold: one sentence says why
  2  the arguments are invalid
  3  `to` only: the host runs a newer release, and keeps it";

const TO_HELP: &str = "\
The host verifies the release itself, and tries its instances before it activates the release. It keeps the release
only if the deployer finds that every page is correct. After Ctrl-C, the host rolls back, and the command waits until
the host reports that.

Examples:
  deploy to mock-prod
  deploy to mock-prod prod --bake 10m
  deploy to prod --force 'BigQuery is down, and this raises the TTL'

Exit codes:
  0  every host runs the release, now and after a restart
  1  a host refused the release, rolled back, or could not be reached: one sentence says which
  2  the arguments are invalid
  3  a host runs a newer release, and keeps it";

const ROLLBACK_HELP: &str = "\
The host accepted the generation when it was deployed, so nothing is built, sent or signed again. `deploy list HOST`
lists the generations.

Examples:
  deploy rollback prod
  deploy rollback prod 41";

/// Deploys signed releases to hosts, and reports what hosts run.
#[derive(Debug, Parser)]
#[command(name = "deploy", version, disable_help_subcommand = true, after_help = MAIN_HELP)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Deploy a release to hosts, one after another
    #[command(after_help = TO_HELP)]
    To(To),
    /// Send a release, and report what its activation would do, without activating it
    DryRun(OneHost),
    /// Send a release, and report how its closure differs from the running one
    Diff(OneHost),
    /// Check that a host runs the release with the signed hashes, and that each page is correct
    Check(OneHost),
    /// Roll back to a generation that ran on the host before
    #[command(after_help = ROLLBACK_HELP)]
    Rollback(Rollback),
    /// Stop the instances of a host until the next deployment or restart
    Stop(OneHost),
    /// Report what a host runs and boots, how the last deployment ended, and which instances are ready
    Status(Report),
    /// List the generations to which a rollback is possible
    List(Report),
    /// List the recorded deployments of a host, and how each ended
    Log(Report),
    /// Push a release's image to a registry; the last line of the output is its name by digest
    Publish(vouch::publish::Args),
    /// Write and sign a release's provenance, and sign its image in the registry
    Attest(vouch::attest::Args),
    /// Verify a release's signature, its files, its commit and its hosts' closures
    Verify(vouch::verify::Args),
    /// Verify an image in a registry: its digest, signature, provenance and bill of materials
    VerifyImage(vouch::verify_image::Args),
    /// Create the keys of a new project, and list those that GitLab needs
    Keys(keys::Keys),
}

/// The release, and who must have signed it.
#[derive(Debug, Args)]
pub struct Of {
    /// Folder that `deploy attest` wrote; it also has the host's address and SSH host key
    #[arg(long, value_name = "DIR", default_value = "attested")]
    pub attested: PathBuf,
    /// Commit from which the release must be built, as its full hash [default: any]
    #[arg(long, value_name = "SHA", value_parser = commit_sha)]
    pub commit: Option<String>,
    /// The key that must have signed it.
    #[command(flatten)]
    pub key: PublicKeyArg,
}

/// The SSH login.
#[derive(Debug, Args)]
pub struct Login {
    /// Private key to log in with; the file may be readable by others, as on a GitLab runner [default: SSH's own]
    #[arg(long, value_name = "FILE", env = "DEPLOY_IDENTITY")]
    pub identity: Option<PathBuf>,
}

/// One host of a release.
#[derive(Debug, Args)]
pub struct OneHost {
    /// The host's name in the release, such as mock-prod
    pub host: String,
    /// The release.
    #[command(flatten)]
    pub of: Of,
    /// The SSH login.
    #[command(flatten)]
    pub login: Login,
}

/// `deploy to`.
#[derive(Debug, Args)]
pub struct To {
    /// Names of hosts in the release, such as mock-prod, in order of deployment; the first failure ends the command
    #[arg(required = true, value_name = "HOST")]
    pub hosts: Vec<String>,
    /// The release.
    #[command(flatten)]
    pub of: Of,
    /// The SSH login.
    #[command(flatten)]
    pub login: Login,
    /// Deploy although instances are not ready, and write this reason to the host's log. A wrong count or an untrusted
    /// release is still refused
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub force: Option<String>,
    /// Time for which to check the pages of the first host, every 10 seconds, before the next host gets the release; a
    /// failure rolls the first host back and ends the command. With a unit, such as 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub bake: Duration,
}

/// `deploy rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The host.
    #[command(flatten)]
    pub one: OneHost,
    /// Number of the generation [default: the newest before the one that the host boots]
    pub generation: Option<u64>,
}

/// A report of one host.
#[derive(Debug, Args)]
pub struct Report {
    /// The host.
    #[command(flatten)]
    pub one: OneHost,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Reads the command line of this process.
    ///
    /// # Errors
    ///
    /// The mistake that clap found, or a request for help.
    pub fn read() -> Result<Self, clap::Error> {
        Self::from_arg_matches(&without_empty_variables(Self::command()).try_get_matches()?)
    }
}

/// An empty variable counts as unset, because a job sets one to the empty string to keep the default.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| match arg.get_env() {
            Some(name) if empty(name) => arg.env(Resettable::Reset),
            _ => arg,
        })
        .mut_subcommands(without_empty_variables)
}

fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("expected the reason for forcing it, e.g. 'BigQuery is down'".to_owned());
    }
    Ok(text.to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected e.g. 10m".to_owned())
}
