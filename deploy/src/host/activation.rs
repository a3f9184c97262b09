//! The activation of a system.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::names::StorePath;
use super::world::{Command, CommandFailed, World, done, text};

const LISTING: Duration = Duration::from_secs(30);
const CHECK: Duration = Duration::from_secs(60);
const SWITCH: Duration = Duration::from_secs(300);
const START: Duration = Duration::from_secs(120);
/// The limit for another activation to end.
const OTHER: Duration = Duration::from_secs(60);
/// A shorter limit: a dry run must not make a deployment fail.
const DRY_RUN: Duration = Duration::from_secs(50);

/// The limit of [`failed_units`] in seconds.
pub const LISTED: u64 = LISTING.as_secs();
/// The limit of [`check`] in seconds.
pub const CHECKED: u64 = OTHER.as_secs() + CHECK.as_secs();
/// The limit of [`boot`] in seconds.
pub const BOOTED: u64 = OTHER.as_secs() + SWITCH.as_secs();
/// The limit of [`activate`] in seconds.
pub const ACTIVATED: u64 = OTHER.as_secs() + SWITCH.as_secs() + START.as_secs() + LISTED;

/// The exit code of `switch-to-configuration` if a unit did not start.
const UNIT_FAILED: i32 = 4;

/// Asks the system whether it may be activated here.
///
/// # Errors
///
/// How the command failed.
pub fn check(world: &dyn World, system: &StorePath, log: &Path) -> Result<(), CommandFailed> {
    await_other(world);
    done(world, &switch(system, "check", CHECK).log(log)).map(drop)
}

/// Makes the boot loader boot the profile's system at the next start.
///
/// # Errors
///
/// How the command failed.
pub fn boot(world: &dyn World, system: &StorePath, log: &Path) -> Result<(), CommandFailed> {
    await_other(world);
    done(world, &switch(system, "boot", SWITCH).log(log)).map(drop)
}

/// A description of what an activation would do.
///
/// # Errors
///
/// How the command failed.
pub fn dry_run(world: &dyn World, system: &StorePath) -> Result<String, CommandFailed> {
    let ended = world.run(&switch(system, "dry-activate", DRY_RUN))?;
    Ok(format!(
        "{}{}",
        String::from_utf8_lossy(&ended.output),
        ended.errors
    ))
}

/// `switch-to-configuration` fails at once while another one is running, such as an operator's dry run.
fn await_other(world: &dyn World) {
    let begun = world.clock();
    while world.is_switching() && world.clock() < begun + OTHER {
        world.sleep(Duration::from_secs(1));
    }
}

fn switch(system: &StorePath, what: &str, limit: Duration) -> Command {
    Command::new(system.join("bin/switch-to-configuration"), limit).arg(what)
}

/// Activates a system, and starts the units that it wants and that are not running, such as the job that reloads a
/// changed configuration into nginx: a wrong reverse proxy must show now, and not at the next restart. Both steps are
/// carried out whatever the result of the first is. Units that had failed before the deployment, and excused ones, do
/// not count against this system.
///
/// # Errors
///
/// How the activation ended, such as `ended with 4`; `say` is told which units have failed.
pub fn activate(
    world: &dyn World,
    system: &StorePath,
    log: &Path,
    before: &BTreeSet<String>,
    is_excused: &dyn Fn(&str) -> bool,
    say: &dyn Fn(&str),
) -> Result<(), String> {
    await_other(world);
    let switched = world.run(&switch(system, "test", SWITCH).log(log));
    let started = done(
        world,
        &Command::new("systemctl", START)
            .args(["start", "default.target"])
            .log(log),
    );
    // A target is reached even if units that it wants have failed.
    let after = failed_units(world);
    let newly = |after: &BTreeSet<String>| after.difference(before).cloned().collect::<Vec<_>>();
    if let Ok(failed) = after.as_ref().map(newly)
        && !failed.is_empty()
    {
        say(&format!("failed: {}", failed.join(", ")));
    }

    let code = switched
        .map_err(|error| format!("failed: {error}"))?
        .code
        .unwrap_or(UNIT_FAILED);
    let after = after.map_err(|error| format!("cannot be judged: {error}"))?;
    let all_excused = newly(&after).iter().all(|unit| is_excused(unit));
    // The exit code covers all units of the machine, and not only those that were started now.
    let is_explained = code == UNIT_FAILED && all_excused && !after.is_empty();
    if code != 0 && !is_explained {
        return Err(format!("ended with {code}"));
    }
    started.map_err(|error| format!("failed: {error}"))?;
    if !all_excused {
        return Err(format!("ended with {UNIT_FAILED}"));
    }
    Ok(())
}

/// Units that have failed, or that have failed and are about to be restarted.
///
/// # Errors
///
/// How the command failed.
pub fn failed_units(world: &dyn World) -> Result<BTreeSet<String>, CommandFailed> {
    let listed = text(
        world,
        &Command::new("systemctl", LISTING).args([
            "list-units",
            "--state=failed,auto-restart",
            "--plain",
            "--no-legend",
        ]),
    )?;
    Ok(listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}
