//! The transient unit of a deployment. Its name is the lock against a second one, its main process goes forward, and its
//! `ExecStopPost` goes back, whatever ended the main process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::places::{RECOVERY, UNIT};
use super::records::Way;
use super::world::{Command, CommandFailed, World, done, text};
use super::{back, forward};

const LIMIT: Duration = Duration::from_secs(60);
/// For what has no limit of its own, such as a slow disk.
pub const MARGIN: u64 = 60;
/// Seconds that systemd gives the main process, without the wait for the confirmation.
pub const FORWARD: u64 = forward::MOST + MARGIN;
/// Seconds that systemd gives the way back.
pub const BACK: u64 = back::MOST + MARGIN;

/// This program, as a unit runs it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// What stands before its subcommand.
    pub options: Vec<OsString>,
    /// Where it finds the other programs.
    pub search_path: OsString,
}

/// Whether a deployment, or the repair of one, is under way. A unit that waits for its start is.
///
/// # Errors
///
/// That systemd does not say.
pub fn is_held(world: &dyn World) -> Result<bool, CommandFailed> {
    let said = text(
        world,
        &Command::new("systemctl", LIMIT).args([
            "show",
            "--property=ActiveState",
            "--property=Job",
            UNIT,
            RECOVERY,
        ]),
    )?;
    Ok(said.lines().any(|line| match line.split_once('=') {
        Some(("ActiveState", state)) => !matches!(state, "inactive" | "failed"),
        Some(("Job", job)) => !matches!(job, "" | "0"),
        _ => false,
    }))
}

/// Where the unit of a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// There is none.
    Ended,
    /// Its main process has ended, and the way back goes on.
    Ending,
    /// It goes forward.
    Going,
}

/// Where the unit of a deployment is, its repair left aside.
///
/// # Errors
///
/// That systemd does not say.
pub fn unit(world: &dyn World) -> Result<Unit, CommandFailed> {
    let said = text(
        world,
        &Command::new("systemctl", LIMIT).args(["show", "--property=ActiveState", "--value", UNIT]),
    )?;
    Ok(match said.trim() {
        "inactive" | "failed" | "" => Unit::Ended,
        "deactivating" => Unit::Ending,
        _ => Unit::Going,
    })
}

/// Starts a deployment's unit, if there is none.
///
/// # Errors
///
/// How systemd refused it.
pub fn take(world: &dyn World, program: &Program, way: &Way, confirmation: u64) -> Result<(), CommandFailed> {
    forget(world);
    let forward = [
        "forward".to_owned(),
        way.id.to_string(),
        "--confirmation".to_owned(),
        confirmation.to_string(),
    ];
    let mut path = OsString::from("--setenv=PATH=");
    path.push(&program.search_path);
    let command = Command::new("systemd-run", LIMIT)
        .args(["--quiet", "--collect"])
        .arg(format!("--unit={UNIT}"))
        .arg("--description=Deployment of wordtally")
        .arg(path)
        .arg(format!("--property=RuntimeMaxSec={}", FORWARD + confirmation))
        .arg(format!("--property=TimeoutStopSec={BACK}"))
        .arg(format!("--property=OnFailure={RECOVERY}"))
        .arg(stop_post(program, way))
        .arg(&program.path)
        .args(&program.options)
        .args(forward);
    done(world, &command).map(drop)
}

/// Unloads the unit of a deployment that has ended. Systemd 262 collects it by itself, unless its failure started a unit
/// that had been started before: then its name stays taken, even after `reset-failed`.
pub fn forget(world: &dyn World) {
    // This fails if there is no such unit.
    let _ = world.run(&Command::new("systemctl", LIMIT).args(["stop", UNIT]));
}

fn stop_post(program: &Program, way: &Way) -> OsString {
    let mut post = OsString::from("--property=ExecStopPost=");
    post.push(&program.path);
    let options = program.options.iter().cloned();
    for word in options.chain(back_arguments(way).into_iter().map(OsString::from)) {
        post.push(" ");
        post.push(word);
    }
    post
}

/// The arguments of the way back. Each is a name of a form of its own, so that none needs a quote.
fn back_arguments(way: &Way) -> Vec<String> {
    let mut arguments = vec![
        "back".to_owned(),
        way.id.to_string(),
        format!("--old={}", way.old),
        format!("--new={}", way.new),
        format!("--newest={}", way.newest),
    ];
    arguments.extend(way.default.map(|default| format!("--default={default}")));
    arguments
}

/// Ends a deployment's unit, which then goes back; it may have ended by itself.
///
/// # Errors
///
/// How systemd refused it.
pub fn stop(world: &dyn World) -> Result<(), CommandFailed> {
    done(
        world,
        &Command::new("systemctl", LIMIT).args(["stop", "--no-block", UNIT]),
    )
    .map(drop)
}
