//! What this machine's store has of a system.

use std::path::Path;
use std::process::Command;

use super::{Fault, program};
use crate::closure::Closure;

/// The closure of a path, by Nix's own books.
pub(super) fn closure(path: &Path) -> Result<Closure, Fault> {
    let query = |what: &str, paths: &mut dyn Iterator<Item = &str>| {
        program::said(
            "nix-store",
            Command::new("nix-store").args(["--query", what]).args(paths),
        )
    };
    let missing = |fault: Fault| fault.means(format!("{} is not in this machine's store", path.display()));
    let root = path.to_string_lossy();
    let paths = query("--requisites", &mut std::iter::once(&*root)).map_err(missing)?;
    let hashes = query("--hash", &mut paths.lines()).map_err(missing)?;
    Ok(Closure::from_queries(&paths, &hashes)?)
}
