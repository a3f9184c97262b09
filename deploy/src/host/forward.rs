//! The main process of a deployment: forward to the confirmation, which only a new connection from outside can bring,
//! and then to the boot default. It repairs nothing: however it ends otherwise, the rollback follows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::gates::{self, Change};
use super::names::StorePath;
use super::records::{self, Journal};
use super::world::{ROUND, World};
use super::{activation, generations, places, preflight, secrets};
use crate::host_config::{self, HostConfig};
use crate::page::{self, ByCorpus, Wrong};
use crate::release::Counts;
use crate::state::State;

/// The limit for all words to get ready, in seconds.
pub const PATIENCE: u64 = 60;
const AGAIN: Duration = Duration::from_secs(1);

/// The limit of one wait for words, in seconds: its last round may begin at its end.
const READY: u64 = PATIENCE + 2 * ROUND.as_secs() + AGAIN.as_secs();
/// The limit of all steps, without the wait for the confirmation, in seconds.
pub const MOST: u64 = 2 * preflight::ENDED
    + activation::CHECKED
    + gates::LOOKED
    + PATIENCE / 6
    + activation::LISTED
    + secrets::DECRYPTED
    + preflight::STARTED
    + 2 * READY
    + activation::ACTIVATED
    + generations::CHANGED
    + activation::BOOTED;

/// How long a deployment waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For all words to get ready.
    pub ready: Duration,
    /// For the confirmation.
    pub confirmation: Duration,
}

/// Activates the new system.
///
/// # Errors
///
/// Why it was not activated or kept, in one sentence.
pub fn forward(world: &dyn World, journal: &mut Journal<'_>, patience: Patience) -> Result<(), String> {
    let way = journal.kept.way.clone();
    let log = places::log(&way.id);
    if let Some(reason) = &journal.kept.record.force {
        journal.say(&format!("forced: {reason}"));
    }

    match generations::current(world) {
        Ok(current) if current == way.old => {}
        Ok(current) => {
            return Err(format!(
                "the running system is {current}, and no longer {}",
                way.old
            ));
        }
        Err(error) => return Err(format!("the running system cannot be read: {error}")),
    }
    enter(journal, State::Preflight)?;
    // The leftovers of an earlier preflight.
    preflight::end(world)?;
    activation::check(world, &way.new, &log)
        .map_err(|error| format!("it refuses to be activated here: {error}"))?;
    let before = config(world, &way.old).ok();
    let after = config(world, &way.new)?;
    let changed = secrets::changed(world, before.as_ref(), &after);
    let record = &journal.kept.record;
    let gates = gates::look(
        world,
        Change {
            old: &way.old,
            before: before.as_ref(),
            new: &way.new,
            after: &after,
            secrets: &changed,
            all_excused: record.force.is_some() || record.generation.is_some(),
            pause: patience.ready / 12,
        },
    )?;
    journal.kept.record.excused = gates.excused.into_iter().collect();
    journal.kept.failed = activation::failed_units(world)
        .map_err(|error| format!("the units that had failed before are not known: {error}"))?;
    // So that the deployer knows them from here on.
    enter(journal, State::Preflight)?;
    for word in after
        .listen
        .keys()
        .filter(|word| !gates.changed.contains_key(*word))
    {
        journal.say(&format!("preflight: {word} is unchanged"));
    }
    let opened = secrets::decrypt(world, &after.identities, &changed)?;
    for path in opened.keys() {
        journal.say(&format!("preflight: the new {} can be decrypted", path.display()));
    }
    let words = preflight::start(world, &gates.changed, &opened, &|line| journal.say(line))?;
    await_ready(
        world,
        journal,
        "preflight",
        patience.ready,
        words,
        &after.pages.expected_counts,
    )?;
    preflight::end(world)?;

    enter(journal, State::Activating)?;
    activation::activate(
        world,
        &way.new,
        &log,
        &journal.kept.failed,
        &|unit| journal.kept.is_excused(unit),
        &|line| journal.say(line),
    )
    .map_err(|how| format!("its activation {how}"))?;
    match generations::current(world) {
        Ok(current) if current == way.new => {}
        Ok(current) => return Err(format!("its activation left {current}")),
        Err(error) => return Err(format!("its activation left no system that can be read: {error}")),
    }

    enter(journal, State::Readiness)?;
    await_ready(
        world,
        journal,
        "readiness",
        patience.ready,
        after.listen.clone(),
        &after.pages.expected_counts,
    )?;

    enter(journal, State::Unconfirmed)?;
    let deadline = world.clock() + patience.confirmation;
    while !records::is_confirmed(world, &way.id) {
        if world.clock() >= deadline {
            return Err(format!(
                "it was not confirmed from outside within {} s",
                patience.confirmation.as_secs()
            ));
        }
        world.sleep(Duration::from_millis(500));
    }

    enter(journal, State::Finalizing)?;
    match journal.kept.record.generation {
        Some(generation) => generations::switch(world, generation),
        None => generations::set(world, &way.new),
    }
    .map_err(|error| format!("it did not become the boot default: {error}"))?;
    activation::boot(world, &way.new, &log).map_err(|error| format!("the boot loader failed: {error}"))?;
    // From here on it stays, even if that cannot be written: the rollback sees how this process ended.
    if let Err(error) = enter(journal, State::Committed) {
        journal.say(&error);
    }
    Ok(())
}

fn enter(journal: &mut Journal<'_>, state: State) -> Result<(), String> {
    journal
        .enter(state)
        .map_err(|error| format!("the state '{state}' cannot be written: {error}"))
}

/// A system's own configuration of deployments.
///
/// # Errors
///
/// It has none, or it cannot be parsed.
pub fn config(world: &dyn World, system: &StorePath) -> Result<HostConfig, String> {
    read_config(world, &system.join(host_config::PATH))
}

/// The configuration in a file.
///
/// # Errors
///
/// It cannot be read or parsed.
pub fn read_config(world: &dyn World, path: &Path) -> Result<HostConfig, String> {
    let text = world
        .read(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let config: HostConfig = serde_json::from_slice(&text)
        .map_err(|error| format!("{} cannot be parsed: {error}", path.display()))?;
    match config.listen.keys().find(|word| !super::names::is_instance(word)) {
        Some(word) => Err(format!(
            "{} has a word with an invalid name: '{word}'",
            path.display()
        )),
        None => Ok(config),
    }
}

/// Waits until words, given with their listening addresses, are ready with their expected counts. An excused word may
/// remain unready, and does not delay the others for long; wrong counts are never excused.
fn await_ready(
    world: &dyn World,
    journal: &Journal<'_>,
    what: &str,
    patience: Duration,
    mut words: BTreeMap<String, String>,
    expected: &Counts,
) -> Result<(), String> {
    let is_excused = |word: &String| journal.kept.record.excused.contains(word);
    let begun = world.clock();
    while !words.is_empty() {
        let mut said = world.readiness(&words);
        let mut ready = words.clone();
        ready.retain(|word, _| said.get(word).is_some_and(Option::is_none));
        for (word, counted) in world.counts(&ready) {
            match counted.and_then(|got| compare(&word, &got, expected)) {
                Ok(()) => {
                    journal.say(&format!("{what}: {word} is ready"));
                    words.remove(&word);
                }
                Err(wrong) if wrong.is_wrong_answer() => return Err(wrong.to_string()),
                Err(wrong) => {
                    said.insert(word, Some(wrong.to_string()));
                }
            }
        }
        let patience = if words.keys().all(is_excused) {
            patience / 4
        } else {
            patience
        };
        if world.clock() >= begun + patience {
            for word in words.into_keys() {
                let why = said.remove(&word).flatten();
                let why = why.unwrap_or_else(|| "its counts did not arrive in time".to_owned());
                if !is_excused(&word) {
                    return Err(format!("{word}: {why}"));
                }
                journal.say(&format!("{what}: {word} is not ready, which is excused: {why}"));
            }
            return Ok(());
        }
        if !words.is_empty() {
            world.sleep(AGAIN);
        }
    }
    Ok(())
}

fn compare(word: &str, got: &ByCorpus, expected: &Counts) -> Result<(), Wrong> {
    match expected.get(word) {
        Some(expected) => page::compare(word, expected, got).map(drop),
        None => Ok(()),
    }
}
