//! Reports for root on the host itself.

use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, UNIX_EPOCH};

use super::names::Id;
use crate::closure::hex;
use crate::protocol::{Checked, Deployed, Generations, Record, Status};

/// A new name of a deployment.
///
/// # Errors
///
/// There is no randomness.
pub fn id() -> io::Result<Id> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    hex(&bytes).parse().map_err(io::Error::other)
}

/// The running system, and the last deployment.
#[must_use]
pub fn status(status: &Status) -> String {
    let mut text = format!(
        "{} runs {}{}\n",
        status.environment,
        status.current.display(),
        of(status.release.as_ref())
    );
    text += &match (&status.default, status.generation) {
        (Some(default), Some(number)) => {
            format!(
                "the next start boots generation {number}, {}\n",
                default.display()
            )
        }
        _ => "there is no boot default\n".to_owned(),
    };
    for (word, said) in &status.words {
        text += &format!("{word}: {said}\n");
    }
    if status.under_way {
        text += "a deployment is under way\n";
    }
    text + &log(status.last.as_slice())
}

/// A line for each generation.
#[must_use]
pub fn list(list: &Generations) -> String {
    list.generations
        .iter()
        .map(|one| {
            format!(
                "{} {} {}{}{}{}\n",
                one.number,
                date(one.made),
                one.system.display(),
                of(one.release.as_ref()),
                if one.current { ", runs" } else { "" },
                if one.default { ", boot default" } else { "" },
            )
        })
        .collect()
}

/// A line for each deployment.
#[must_use]
pub fn log(deployments: &[Record]) -> String {
    deployments
        .iter()
        .map(|one| {
            let mut line = format!("{} {} {}", date(one.begun), one.id, one.system.display());
            line += &of(one.release.as_ref());
            if let Some(generation) = one.generation {
                line += &format!(", generation {generation}");
            }
            if let Some(force) = &one.force {
                line += &format!(", forced: {force}");
            }
            line += &format!(": {}", one.state);
            if let Some(reason) = &one.reason {
                line += &format!(": {reason}");
            }
            line + "\n"
        })
        .collect()
}

/// The digest of the running closure, and the program that each word executes.
#[must_use]
pub fn check(checked: &Checked) -> String {
    let mut text = format!(
        "{} has the closure {}\n",
        checked.current.display(),
        checked.closure
    );
    for (word, program) in &checked.programs {
        text += &match program {
            Some(program) => format!("{word}: {}\n", program.display()),
            None => format!("{word}: does not run\n"),
        };
    }
    text
}

fn of(release: Option<&Deployed>) -> String {
    release.map_or_else(String::new, |release| {
        format!(
            ", {} of {} ({})",
            release.version, release.commit, release.reference
        )
    })
}

fn date(seconds: u64) -> String {
    UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .map_or_else(String::new, |time| {
            humantime::format_rfc3339_seconds(time).to_string()
        })
}
