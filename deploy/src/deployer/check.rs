//! Whether a host runs what was signed, now and after a restart, and answers as it must. Nothing is changed.

use std::path::Path;

use super::Failure;
use super::attested::Target;
use super::host::{Host, LONG};
use super::pages::{self, Telling};
use crate::protocol::{Checked, Request, Status};
use crate::state::State;

pub(super) fn check(host: &Host<'_>, target: &Target) -> Result<(), Failure> {
    let checked: Checked = host
        .ask(Request::Check, LONG)
        .map_err(|error| host.failed(error))?;
    let words = signed(target, &checked).map_err(|error| host.failed(error))?;
    host.say(&format!(
        "on the host: {words} words run {}",
        target.program.display()
    ));
    host.say(&format!(
        "on the host: its {} paths are what was signed",
        target.closure.0.len()
    ));
    let excused = excused(&target.system, host.status()?);
    pages::check(host, &target.deployment.pages, &excused, Telling::Each).map_err(|error| host.failed(error))
}

/// The words that the deployment of this very system excused: what did not refuse it is no fault of it afterwards.
fn excused(system: &Path, status: Status) -> Vec<String> {
    match status.last {
        Some(last) if last.state == State::Committed && last.system == system && status.current == system => {
            last.excused
        }
        _ => Vec::new(),
    }
}

/// Compares what the host says of itself with what was signed; gives how many words it runs.
fn signed(target: &Target, checked: &Checked) -> Result<usize, String> {
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
    let words = target.deployment.pages.pages.keys();
    let named = words.map(|word| (word, checked.programs.get(word).and_then(Option::as_ref)));
    let all = checked
        .programs
        .iter()
        .map(|(word, program)| (word, program.as_ref()));
    for (word, program) in named.chain(all) {
        if program != Some(&target.program) {
            let program = program.map_or("nothing".into(), |path| path.to_string_lossy());
            return Err(format!(
                "the word {word} runs {program}, and not {}",
                target.program.display()
            ));
        }
    }
    Ok(checked.programs.len())
}
