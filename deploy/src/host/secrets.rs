//! The encrypted files of a new system: each must be decrypted here before the system is activated, and a preflight
//! uses the decrypted content.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::places;
use super::world::{Command, World, done};
use crate::host_config::HostConfig;

const LIMIT: Duration = Duration::from_secs(30);
/// The limit for all files.
const ALL: Duration = Duration::from_secs(120);

/// The limit of [`decrypt`] in seconds.
pub const DECRYPTED: u64 = ALL.as_secs() + LIMIT.as_secs();

/// The encrypted files that differ from those of the running system, by the path to which each is decrypted. Contents
/// are compared, because a path in the store may change only in its name.
#[must_use]
pub fn changed(world: &dyn World, old: Option<&HostConfig>, new: &HostConfig) -> BTreeMap<PathBuf, PathBuf> {
    let read = |file: &PathBuf| world.read(file).ok();
    new.secrets
        .iter()
        .filter(|(path, file)| {
            let before = old.and_then(|old| old.secrets.get(*path));
            before != Some(*file) && before.and_then(read).is_none_or(|text| Some(text) != read(file))
        })
        .map(|(path, file)| (path.clone(), file.clone()))
        .collect()
}

/// Decrypts files into the preflight's private folder; returns the location of each, by the path to which it will be
/// decrypted.
///
/// # Errors
///
/// The file that no key of this host decrypts, or all of them together take too long.
pub fn decrypt(
    world: &dyn World,
    identities: &[PathBuf],
    files: &BTreeMap<PathBuf, PathBuf>,
) -> Result<BTreeMap<PathBuf, PathBuf>, String> {
    if files.is_empty() {
        return Ok(BTreeMap::new());
    }
    let identities: Vec<_> = identities
        .iter()
        .filter(|identity| world.exists(identity))
        .collect();
    let folder = places::preflight().join("secrets");
    world
        .make_folder(&folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let mut decrypted = BTreeMap::new();
    let begun = world.clock();
    for (number, (path, file)) in files.iter().enumerate() {
        if world.clock() > begun + ALL {
            return Err(format!(
                "the new secrets could not be decrypted within {} s",
                ALL.as_secs()
            ));
        }
        let command = identities
            .iter()
            .fold(
                Command::new("age", LIMIT).arg("--decrypt"),
                |command, identity| command.arg("--identity").arg(identity),
            )
            .arg(file);
        let content = done(world, &command).map_err(|error| {
            format!(
                "no key of this host decrypts the secret {}: {error}",
                path.display()
            )
        })?;
        let to = folder.join(number.to_string());
        world
            .write(&to, &content)
            .map_err(|error| format!("{} cannot be written: {error}", to.display()))?;
        decrypted.insert(path.clone(), to);
    }
    Ok(decrypted)
}
