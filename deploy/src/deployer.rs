//! The program `deploy`: it offers a signed release to hosts, sends the paths that they lack, and waits until each
//! reports how it ended.
//!
//! A host decides by itself, and trusts only what was signed.

mod bake;
mod check;
mod host;
mod interrupt;
mod output;
mod pages;
mod promote;
mod report;
mod request;
mod rollback;
mod send;
mod ssh;
mod store;
mod watch;

use std::fmt::Display;
use std::io::Write;

use crate::cli::{Command, Login, Of, OneHost, Report, To};
use crate::keys::{self, Keys};
use crate::vouch::attested::{Attested, Target, read_release};
use crate::vouch::{self, Fault};
use host::Host;
use interrupt::Interrupt;

pub use send::LIMIT as SEND_LIMIT;
pub use watch::DEADLINE;

/// Why a command failed, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command was not carried out, or the check failed.
    #[error("{0}")]
    Not(String),
    /// The same, of one host.
    #[error("{0}: {1}")]
    Host(String, String),
    /// A host refused it.
    #[error("{0}: {1}")]
    Refused(String, String),
    /// A host runs a newer release: there was nothing to do.
    #[error("{0}: superseded: {1}")]
    Superseded(String, String),
}

impl Failure {
    /// The exit code, which tells a pipeline the kind of failure.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Not(_) | Self::Host(..) | Self::Refused(..) => 1,
            Self::Superseded(..) => 3,
        }
    }
}

/// Runs a command.
///
/// # Errors
///
/// [`Failure`], as one sentence.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::To(to) => bring(to),
        Command::DryRun(one) => with_target(one, promote::dry_run),
        Command::Diff(one) => with_target(one, promote::diff),
        Command::Check(one) => with_target(one, check::check),
        Command::Stop(one) => with_target(one, |host, _| report::stop(host)),
        Command::Status(Report { one, json }) => with_target(one, |host, _| report::status(host, *json)),
        Command::List(Report { one, json }) => with_target(one, |host, _| report::list(host, *json)),
        Command::Log(Report { one, json }) => with_target(one, |host, _| report::log(host, *json)),
        Command::Rollback(back) => {
            with_target(&back.one, |host, _| rollback::roll_back(host, back.generation))
        }
        Command::Publish(args) => vouched(|out| vouch::publish::run(args, out)),
        Command::Attest(args) => vouched(|out| vouch::attest::run(args, out)),
        Command::Verify(args) => vouched(|out| vouch::verify::run(args, out)),
        Command::VerifyImage(args) => vouched(|out| vouch::verify_image::run(args, out)),
        Command::Keys(keys) => make_keys(keys),
    }
}

fn make_keys(keys: &Keys) -> Result<(), Failure> {
    let failed = |error: &dyn Display| Failure::Not(format!("keys: {error}"));
    let here = std::env::current_dir().map_err(|error| failed(&error))?;
    // The surrounding checkout; a folder that is not one is refused with its own sentence.
    let checkout = here.ancestors().find(|folder| folder.join(".git").exists());
    let told = keys::make(keys, checkout.unwrap_or(&here)).map_err(|error| failed(&error))?;
    output::block(&told);
    Ok(())
}

fn vouched(done: impl FnOnce(&mut dyn Write) -> Result<(), Fault>) -> Result<(), Failure> {
    done(&mut std::io::stdout().lock()).map_err(|fault| Failure::Not(fault.to_string()))
}

fn bring(to: &To) -> Result<(), Failure> {
    let interrupt = Interrupt::register().map_err(Failure::Not)?;
    let attested = trusted(&to.of)?;
    // Each host's part is verified before the first host is changed.
    let targets = to
        .hosts
        .iter()
        .map(|name| target(&attested, name))
        .collect::<Result<Vec<_>, _>>()?;
    bake::bring(&targets, to, &interrupt)
}

fn with_target(
    one: &OneHost,
    done: impl FnOnce(&Host<'_>, &Target) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let interrupt = Interrupt::register().map_err(Failure::Not)?;
    let target = target(&trusted(&one.of)?, &one.host)?;
    done(&reach(&target, &one.login, &interrupt)?, &target)
}

fn trusted(of: &Of) -> Result<Attested, Failure> {
    let read = || read_release(&of.attested, &of.key.read()?, of.commit.as_deref());
    read().map_err(|fault| Failure::Not(untrusted(&fault)))
}

fn target(attested: &Attested, name: &str) -> Result<Target, Failure> {
    attested
        .target(name)
        .map_err(|fault| Failure::Host(name.to_owned(), untrusted(&fault)))
}

fn untrusted(fault: &Fault) -> String {
    format!("this release is not trusted: {fault}")
}

fn reach<'a>(target: &'a Target, login: &Login, interrupt: &'a Interrupt) -> Result<Host<'a>, Failure> {
    let ssh = ssh::Ssh::new(&target.deployment, login.identity.as_deref())
        .map_err(|error| Failure::Host(target.name.clone(), error))?;
    Ok(Host::new(&target.name, ssh, interrupt))
}
