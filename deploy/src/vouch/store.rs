//! A system in this machine's store.

use std::path::Path;
use std::process::Command;

use super::{Fault, program};
use crate::closure::Closure;

/// The closure of a path, by Nix's own database.
pub(super) fn closure(path: &Path) -> Result<Closure, Fault> {
    Closure::in_store(&path.to_string_lossy(), |what, paths| {
        let mut command = Command::new("nix-store");
        command.args(["--query", what]).args(paths);
        program::run("nix-store", &mut command, b"")
            .map(|output| String::from_utf8_lossy(&output).into_owned())
            .map_err(|fault| fault.means(format!("{} is not in this machine's store", path.display())))
    })
}
