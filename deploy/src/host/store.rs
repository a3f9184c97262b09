//! The host's own store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::names::StorePath;
use super::world::{Command, World, text};
use crate::closure::{AT_A_TIME, Closure};

const LIMIT: Duration = Duration::from_secs(120);

/// The closure of a path, with the hashes that were computed when each path was added to the store.
///
/// # Errors
///
/// It is not in the store, or how the command failed.
pub fn closure(world: &dyn World, path: &StorePath) -> Result<Closure, String> {
    Closure::in_store(path.as_str(), |what, paths| {
        let command = Command::new("nix-store", LIMIT)
            .args(["--query", what])
            .args(paths);
        text(world, &command).map_err(|error| error.to_string())
    })
}

/// The paths that the store lacks.
///
/// # Errors
///
/// How the command failed.
pub fn missing<'a>(
    world: &dyn World,
    paths: impl IntoIterator<Item = &'a Path>,
) -> Result<BTreeSet<PathBuf>, String> {
    let mut missing = BTreeSet::new();
    for some in paths.into_iter().collect::<Vec<_>>().chunks(AT_A_TIME) {
        let command = Command::new("nix-store", LIMIT)
            .args(["--check-validity", "--print-invalid"])
            .args(some);
        let said = text(world, &command).map_err(|error| error.to_string())?;
        missing.extend(said.lines().map(PathBuf::from));
    }
    Ok(missing)
}

/// The differences between two closures, for people.
///
/// # Errors
///
/// How the command failed.
pub fn differences(world: &dyn World, old: &StorePath, new: &StorePath) -> Result<String, String> {
    let command = Command::new("nix", LIMIT)
        .args(["--extra-experimental-features", "nix-command"])
        .args(["store", "diff-closures", old.as_str(), new.as_str()]);
    text(world, &command).map_err(|error| error.to_string())
}
