//! Tests the words of a new system beside the running ones, with their own units, on sockets that no client reaches:
//! clients never see a word that does not get ready, or answers wrongly.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::places::{self, PREFLIGHT, RUNTIME_UNITS};
use super::units::Units;
use super::world::{Command, World, done};

const LIMIT: Duration = Duration::from_secs(60);

/// The limit of [`start`] in seconds.
pub const STARTED: u64 = 2 * LIMIT.as_secs();
/// The limit of [`end`] in seconds.
pub const ENDED: u64 = 3 * LIMIT.as_secs();

/// Starts words; returns the address of each. `say` is told which words have no preflight.
///
/// # Errors
///
/// The step that failed.
pub fn start(
    world: &dyn World,
    words: &BTreeMap<String, Units>,
    secrets: &BTreeMap<PathBuf, PathBuf>,
    say: &dyn Fn(&str),
) -> Result<BTreeMap<String, String>, String> {
    let folder = places::preflight();
    let mut started = BTreeMap::new();
    for (word, units) in words {
        if units
            .credentials()
            .any(|path| !secrets.contains_key(&path) && !world.exists(&path))
        {
            say(&format!(
                "preflight: not {word}, whose credential comes with the activation"
            ));
            continue;
        }
        let socket = folder.join(format!("{word}.sock"));
        let units = units.preflight(word, &socket, secrets);
        for (kind, text) in [("service", &units.service), ("socket", &units.socket)] {
            let path = Path::new(RUNTIME_UNITS).join(format!("{PREFLIGHT}-{word}.{kind}"));
            world
                .make_folder(Path::new(RUNTIME_UNITS))
                .and_then(|()| world.publish(&path, text.as_bytes()))
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        }
        started.insert(word.clone(), format!("unix:{}", socket.display()));
    }
    if !started.is_empty() {
        reload(world)?;
        let services = started.keys().map(|word| format!("{PREFLIGHT}-{word}.service"));
        systemctl(
            world,
            Command::new("systemctl", LIMIT)
                .args(["start", "--no-block"])
                .args(services),
        )?;
    }
    Ok(started)
}

/// Ends a preflight, or what is left of one. Units that did not stop keep their files, so that the next attempt finds
/// them.
///
/// # Errors
///
/// The part that is left.
pub fn end(world: &dyn World) -> Result<(), String> {
    let names = world
        .names(Path::new(RUNTIME_UNITS))
        .map_err(|error| format!("{RUNTIME_UNITS} cannot be read: {error}"))?;
    let (units, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with(PREFLIGHT));
    // A file whose writer was killed has another name, and is not a unit.
    let half = others.iter().filter(|name| {
        name.strip_prefix('.')
            .is_some_and(|name| name.starts_with(PREFLIGHT))
    });
    if !units.is_empty() {
        systemctl(world, Command::new("systemctl", LIMIT).arg("stop").args(&units))?;
        // It is not an error if none has failed.
        let _ =
            world.run(&Command::new("systemctl", LIMIT).args(["reset-failed", &format!("{PREFLIGHT}-*")]));
    }
    let removed: Vec<_> = units
        .iter()
        .chain(half)
        .map(|name| Path::new(RUNTIME_UNITS).join(name))
        .chain([places::preflight()])
        .filter_map(|path| {
            Some(format!(
                "{} is left: {}",
                path.display(),
                world.remove(&path).err()?
            ))
        })
        .collect();
    let reloaded = if units.is_empty() { Ok(()) } else { reload(world) };
    match removed.first() {
        Some(left) => Err(left.clone()),
        None => reloaded,
    }
}

fn reload(world: &dyn World) -> Result<(), String> {
    systemctl(world, Command::new("systemctl", LIMIT).arg("daemon-reload"))
}

fn systemctl(world: &dyn World, command: Command) -> Result<(), String> {
    done(world, &command).map(drop).map_err(|error| error.to_string())
}
