//! Checks whether a host runs the signed release, now and after a restart, and answers correctly. Nothing is changed.

use std::collections::BTreeSet;
use std::path::Path;

use super::Failure;
use super::host::{Host, LONG, SHORT};
use super::pages::{self, Telling};
use crate::protocol::{Checked, Deployments, Request};
use crate::state::State;
use crate::vouch::attested::Target;

pub(super) fn check(host: &Host<'_>, target: &Target) -> Result<(), Failure> {
    let checked: Checked = host
        .ask(Request::Check, LONG)
        .map_err(|error| host.failed(error))?;
    let deployments = host
        .ask(Request::Log, SHORT)
        .map_err(|error| host.failed(error))?;
    let excused = excused(&target.system, deployments);
    let words = signed(host, target, &checked, &excused).map_err(|error| host.failed(error))?;
    host.say(&format!(
        "on the host: {words} words run {}",
        target.program.display()
    ));
    host.say(&format!(
        "on the host: its {} paths are what was signed",
        target.closure.0.len()
    ));
    pages::check(host, &target.deployment.pages, &excused, Telling::Each).map_err(|error| host.failed(error))
}

/// The words that the deployment of this very system excused: a word that did not refuse it then is not an error now.
fn excused(system: &Path, deployments: Deployments) -> Vec<String> {
    let last = deployments.deployments.into_iter().next_back();
    last.filter(|last| last.state == State::Committed && last.system == system)
        .map_or_else(Vec::new, |last| last.excused)
}

/// Compares the host's own report with the signed release; returns how many words it runs.
fn signed(host: &Host<'_>, target: &Target, checked: &Checked, excused: &[String]) -> Result<usize, String> {
    let (current, system) = (&checked.current, &target.system);
    if current != system {
        return Err(format!(
            "runs {}, and not {}",
            current.display(),
            system.display()
        ));
    }
    if checked.default.as_ref() != Some(system) {
        let default = checked
            .default
            .as_ref()
            .map_or("nothing known".into(), |path| path.to_string_lossy());
        return Err(format!(
            "runs {}, and after a restart {default}",
            current.display()
        ));
    }
    let digest = target.closure.digest();
    if checked.closure != digest {
        return Err(format!(
            "its paths are not what was signed: the digest of its closure is {}, and {digest} was signed",
            checked.closure
        ));
    }
    let programs = &checked.programs;
    let words: BTreeSet<_> = target
        .deployment
        .pages
        .pages
        .keys()
        .chain(programs.keys())
        .collect();
    let mut running = 0;
    for word in words {
        match programs.get(word).and_then(Option::as_ref) {
            Some(program) if *program == target.program => running += 1,
            None if excused.contains(word) => {
                host.say(&format!("on the host: {word} is excused: it does not run"))
            }
            program => {
                return Err(format!(
                    "the word {word} runs {}, and not {}",
                    program.map_or("nothing".into(), |path| path.to_string_lossy()),
                    target.program.display()
                ));
            }
        }
    }
    Ok(running)
}
