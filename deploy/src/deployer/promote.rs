//! Deploys a release to one host, or reports what the deployment would do.

use super::host::{self, Host, LONG};
use super::pages::{self, Telling};
use super::request::Unanswered;
use super::send::send;
use super::watch::{CONFIRMATION, Deployment};
use super::{Failure, output};
use crate::protocol::{Empty, Request, Status, Text};
use crate::vouch::attested::Target;

/// The state of a host after the deployment.
pub(super) struct Promoted {
    /// The generation that it booted before; none if it already had the release.
    pub(super) before: Option<u64>,
    /// Whether this deployment changed it.
    pub(super) changed: bool,
    /// Words that were not ready before the deployment either.
    pub(super) excused: Vec<String>,
}

/// With `bakes` the host must be able to roll back.
pub(super) fn promote(
    host: &Host<'_>,
    target: &Target,
    force: Option<&str>,
    bakes: bool,
) -> Result<Promoted, Failure> {
    let status = host.status()?;
    newer(host, target, &status)?;
    if bakes && status.generation.is_none() {
        return Err(host.failed(
            "it has no generation to roll back to, so nothing can bake there: deploy to it without --bake first",
        ));
    }
    let offered = send(host, target).map_err(|why| newer_now(host, target, why))?;
    let system = &target.system;
    if !status.under_way && status.current == *system && status.default.as_ref() == Some(system) {
        match pages::check(host, &target.deployment.pages, &[], Telling::Each) {
            Ok(()) => {
                host.say("has this release already");
                return Ok(Promoted {
                    before: status.generation,
                    changed: false,
                    excused: Vec::new(),
                });
            }
            Err(error) => host.say(&format!(
                "has this release already, and is deployed to again: {error}"
            )),
        }
    }
    // Responses during another deployment say nothing about the state before this one.
    let unanswered = if status.under_way {
        Vec::new()
    } else {
        pages::unanswered(host, &target.deployment.pages, &status.words)
            .map_err(|error| host.failed(error))?
    };
    if host.interrupt.came() {
        return Err(host.failed(Unanswered::Interrupted));
    }

    let id = host::id().map_err(|error| host.failed(error))?;
    let begin = Request::Begin {
        id: id.clone(),
        release: offered.release,
        confirmation: CONFIRMATION,
        force: force.map(str::to_owned),
    };
    let begun = match host.tell(begin, LONG) {
        Ok(Empty {}) => true,
        // The deployment may have started.
        Err(Unanswered::Unreachable(error)) => {
            host.say(&format!("unreachable: {error}"));
            false
        }
        Err(Unanswered::Refused(why)) => {
            let refused = host.unanswered(Unanswered::Refused(format!("not started: {why}")));
            return Err(newer_now(host, target, refused));
        }
        Err(error) => return Err(host.failed(format!("not started: {error}"))),
    };
    let deployment = Deployment {
        host,
        id,
        pages: Some(target.deployment.pages.clone()),
        unanswered,
        begun,
    };
    let excused = deployment.watch()?.committed(host)?;
    host.say(&format!("runs {}, now and after a restart", system.display()));
    Ok(Promoted {
        before: status.generation,
        changed: true,
        excused,
    })
}

/// Two merges in quick succession have two pipelines, and the later one may be faster.
fn newer(host: &Host<'_>, target: &Target, status: &Status) -> Result<(), Failure> {
    match &status.release {
        Some(running) if running.commit_time > target.deployed.commit_time => Err(Failure::Superseded(
            host.name.to_owned(),
            format!(
                "it runs {} of commit {}, which is newer than {}; `deploy rollback` goes back",
                running.version, running.commit, target.deployed.commit
            ),
        )),
        _ => Ok(()),
    }
}

/// Why a release was not deployed. A host that refused it may have received a newer one since its status was requested.
fn newer_now(host: &Host<'_>, target: &Target, why: Failure) -> Failure {
    if matches!(why, Failure::Refused(..))
        && let Ok(status) = host.status()
        && let Err(superseded) = newer(host, target, &status)
    {
        return superseded;
    }
    why
}

pub(super) fn dry_run(host: &Host<'_>, target: &Target) -> Result<(), Failure> {
    let status = host.status()?;
    let release = send(host, target)?.release;
    host.say(&format!("runs {}", status.current.display()));
    let Text { text } = host
        .ask(Request::DryRun { release }, LONG)
        .map_err(|error| host.failed(error))?;
    output::block(&text);
    host.say("dry run: nothing was changed");
    Ok(())
}

pub(super) fn diff(host: &Host<'_>, target: &Target) -> Result<(), Failure> {
    let release = send(host, target)?.release;
    let Text { text } = host
        .ask(Request::Diff { release }, LONG)
        .map_err(|error| host.failed(error))?;
    output::block(&text);
    Ok(())
}
