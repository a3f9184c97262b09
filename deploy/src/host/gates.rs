//! Decides which words of a new system may refuse it: only a word that is worse than now refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::names::StorePath;
use super::units::{self, Units};
use super::world::{ROUND, World};
use crate::host_config::HostConfig;

/// How often a word is asked that does not report that it is ready.
const QUESTIONS: u32 = 3;

/// The limit of [`look`] without the pauses, in seconds.
pub const LOOKED: u64 = QUESTIONS as u64 * ROUND.as_secs();

/// The criteria for the words of the new system.
#[derive(Debug, Default)]
pub struct Gates {
    /// Words whose units or secrets change, with their units: these have a preflight.
    pub changed: BTreeMap<String, Units>,
    /// Words whose readiness is only reported.
    pub excused: BTreeSet<String>,
}

/// The running system and the new one.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The running system.
    pub old: &'a StorePath,
    /// Its configuration; none if it has none.
    pub before: Option<&'a HostConfig>,
    /// The new system.
    pub new: &'a StorePath,
    /// Its configuration.
    pub after: &'a HostConfig,
    /// The changed secrets, by the path to which each is decrypted.
    pub secrets: &'a BTreeMap<PathBuf, PathBuf>,
    /// Whether all words are excused.
    pub all_excused: bool,
    /// The pause between two queries of a word that is not ready.
    pub pause: Duration,
}

/// Asks the running words, and compares the units of the two systems.
///
/// # Errors
///
/// A unit of the new system cannot be read.
pub fn look(world: &dyn World, change: Change<'_>) -> Result<Gates, String> {
    let running = change.before.map(|before| &before.listen);
    let mut said = running.map(|words| world.readiness(words)).unwrap_or_default();
    // A single answer that did not arrive in time excuses nothing.
    for _ in 1..QUESTIONS {
        let mut again = running.cloned().unwrap_or_default();
        again.retain(|word, _| said.get(word).is_some_and(Option::is_some));
        if again.is_empty() || change.all_excused {
            break;
        }
        world.sleep(change.pause);
        said.extend(world.readiness(&again));
    }
    let is_ready = |word: &String| said.get(word).is_some_and(Option::is_none);
    let none_is_ready = !said.is_empty() && !said.keys().any(is_ready);

    let mut gates = Gates::default();
    for word in change.after.listen.keys() {
        let unready = if said.contains_key(word) {
            !is_ready(word)
        } else {
            none_is_ready
        };
        if change.all_excused || unready {
            gates.excused.insert(word.clone());
        }
        let units = units::read(world, change.new, word).map_err(|error| error.to_string())?;
        let is_same = units::read(world, change.old, word).is_ok_and(|old| old == units)
            && !units.credentials().any(|path| change.secrets.contains_key(&path));
        if !is_same {
            gates.changed.insert(word.clone(), units);
        }
    }
    Ok(gates)
}
