//! The generations of the system profile.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::names::StorePath;
use super::places::{CURRENT, PROFILE};
use super::world::{Command, CommandFailed, World, done, resolve};

const LIMIT: Duration = Duration::from_secs(60);

/// The limit of a change of the profile in seconds.
pub const CHANGED: u64 = LIMIT.as_secs();

/// The running system.
///
/// # Errors
///
/// It cannot be read, or is not a store path.
pub fn current(world: &dyn World) -> io::Result<StorePath> {
    store_path(world, Path::new(CURRENT))
}

/// The boot default; none on a machine without a profile.
#[must_use]
pub fn default(world: &dyn World) -> Option<StorePath> {
    store_path(world, Path::new(PROFILE)).ok()
}

/// The generation that is the boot default; none on a machine without a profile.
#[must_use]
pub fn number(world: &dyn World) -> Option<u64> {
    parse(&world.read_link(Path::new(PROFILE)).ok()?.to_string_lossy())
}

/// The numbers of all generations, the newest last.
#[must_use]
pub fn all(world: &dyn World) -> Vec<u64> {
    let mut all: Vec<_> = Path::new(PROFILE)
        .parent()
        .and_then(|folder| world.names(folder).ok())
        .unwrap_or_default()
        .iter()
        .filter_map(|name| parse(name))
        .collect();
    all.sort_unstable();
    all
}

/// The link of a generation.
#[must_use]
pub fn link(number: u64) -> PathBuf {
    PathBuf::from(format!("{PROFILE}-{number}-link"))
}

/// The system of a generation.
///
/// # Errors
///
/// The generation does not exist.
pub fn system(world: &dyn World, number: u64) -> io::Result<StorePath> {
    store_path(world, &link(number))
}

/// Makes a system the newest generation of the profile.
///
/// # Errors
///
/// How the command failed.
pub fn set(world: &dyn World, system: &StorePath) -> Result<(), CommandFailed> {
    profile(world, "--set", system.as_str())
}

/// Switches the profile to a generation.
///
/// # Errors
///
/// How the command failed.
pub fn switch(world: &dyn World, number: u64) -> Result<(), CommandFailed> {
    profile(world, "--switch-generation", &number.to_string())
}

/// Removes a generation that is not the current one of the profile.
///
/// # Errors
///
/// How the command failed.
pub fn delete(world: &dyn World, number: u64) -> Result<(), CommandFailed> {
    profile(world, "--delete-generations", &number.to_string())
}

fn profile(world: &dyn World, what: &str, argument: &str) -> Result<(), CommandFailed> {
    let command = Command::new("nix-env", LIMIT).args(["--profile", PROFILE, what, argument]);
    done(world, &command).map(drop)
}

fn store_path(world: &dyn World, link: &Path) -> io::Result<StorePath> {
    StorePath::from_path(&resolve(world, link)?).map_err(io::Error::other)
}

fn parse(name: &str) -> Option<u64> {
    name.rsplit('/')
        .next()?
        .strip_prefix("system-")?
        .strip_suffix("-link")?
        .parse()
        .ok()
}
