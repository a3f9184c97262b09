//! The transient unit of a deployment. Its name is the lock against a second one, its main process goes forward, and
//! its `ExecStopPost` rolls back, however the main process ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::places::{RECOVERY, UNIT};
use super::records::Way;
use super::world::{Command, CommandFailed, World, done, text};
use super::{back, forward};

const LIMIT: Duration = Duration::from_secs(60);
/// Additional time for work without its own limit, such as that of a slow disk.
pub const MARGIN: u64 = 60;
/// The main process's limit in systemd, in seconds, without the wait for the confirmation.
pub const FORWARD: u64 = forward::MOST + MARGIN;
/// The rollback's limit in systemd, in seconds.
pub const BACK: u64 = back::MOST + MARGIN;

/// This program, as a unit runs it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its path.
    pub path: PathBuf,
    /// The options before its subcommand.
    pub options: Vec<OsString>,
    /// The search path for other programs.
    pub search_path: OsString,
}

/// Whether a deployment, or the repair of one, is under way. That includes a unit that waits for its start.
///
/// # Errors
///
/// systemd does not say.
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

/// The state of a deployment's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// It does not exist.
    Ended,
    /// Its main process has ended, and the rollback is running.
    Ending,
    /// Its main process is running.
    Going,
}

/// The state of a deployment's unit, regardless of its repair.
///
/// # Errors
///
/// systemd does not say.
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

/// Starts a deployment's unit, unless there is one.
///
/// # Errors
///
/// systemd's refusal.
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

/// Unloads the unit of a deployment that has ended. systemd 262 unloads it by itself, unless the start job of its
/// `OnFailure=` unit is pending at that moment: then its name remains in use, even after `reset-failed`.
pub fn forget(world: &dyn World) {
    // It is not an error if it does not exist.
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

/// The arguments of the rollback. Each has a restricted form, so that none needs quotes.
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

/// Stops a deployment's unit, which then rolls back; it may have ended by itself.
///
/// # Errors
///
/// systemd's refusal.
pub fn stop(world: &dyn World) -> Result<(), CommandFailed> {
    done(
        world,
        &Command::new("systemctl", LIMIT).args(["stop", "--no-block", UNIT]),
    )
    .map(drop)
}
