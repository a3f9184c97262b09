//! Rolls back a deployment that did not reach its end. It relies on facts and on its arguments: an unreadable or
//! unwritable file does not stop it. No step stops the next, the steps that affect clients come first, and it may be
//! started again.

use super::names::StorePath;
use super::places::{PROFILE, log};
use super::records::{self, Journal, Way};
use super::world::World;
use super::{activation, generations, preflight};
use crate::state::State;

use std::path::Path;

/// The most generations of one deployment to remove: it makes one, and an earlier rollback may have left a second.
const REMOVED: u64 = 2;

/// The limit of all steps in seconds.
pub const MOST: u64 = activation::LISTED
    + activation::ACTIVATED
    + preflight::ENDED
    + generations::CHANGED
    + activation::BOOTED
    + REMOVED * generations::CHANGED;

/// How the main process of a deployment ended, according to systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// It reached its end.
    Committed,
    /// It ended by itself, before its end.
    Failed,
    /// It was killed, or systemd does not say.
    Interrupted,
}

impl Forward {
    /// From systemd's variables for an `ExecStopPost`.
    #[must_use]
    pub fn from_environment(code: Option<&str>, status: Option<&str>) -> Self {
        match (code, status) {
            (Some("exited"), Some("0")) => Self::Committed,
            (Some("exited"), Some(_)) => Self::Failed,
            _ => Self::Interrupted,
        }
    }
}

/// Makes the old system run, and the boot default.
///
/// # Errors
///
/// The part that was not restored.
pub fn back(world: &dyn World, way: &Way, forward: Forward) -> Result<(), String> {
    let mut journal = records::read(world, &way.id)
        .ok()
        .map(|kept| Journal::new(world, kept));
    let state = journal.as_ref().map(|journal| journal.kept.record.state);
    // A rollback that did not restore the old system completely is tried again.
    let is_over = state.is_some_and(|state| state.is_final() && state != State::NotRolledBack);
    if forward == Forward::Committed || is_over {
        let ended = if is_over {
            Ok(())
        } else {
            end(&mut journal, State::Committed, None)
        };
        return ended.and(preflight::end(world));
    }
    let unknown = match forward {
        Forward::Interrupted => "it was interrupted",
        _ => "it failed; the host's journal has more",
    };
    records::give_reason(world, &way.id, unknown);
    let reason = records::reason(world, &way.id).unwrap_or_else(|| unknown.to_owned());

    let is_old = || generations::current(world).is_ok_and(|current| current == way.old);
    // A system other than these two was not activated by this deployment.
    let is_untouched = || is_old() || generations::current(world).is_ok_and(|current| current != way.new);
    if matches!(state, Some(State::Begun | State::Preflight)) && is_untouched() {
        let left = preflight::end(world);
        let reason = with(reason, left.as_ref().err());
        let ended = end(&mut journal, State::Refused, Some(reason));
        return left.and(ended);
    }

    enter(&mut journal, State::RollingBack);
    let say = |line: &str| {
        if let Some(journal) = &journal {
            journal.say(line);
        }
    };
    let kept = journal.as_ref().map(|journal| &journal.kept);
    // If the units that had failed before are not known, those that fail now count as such: the old system runs in any
    // case.
    let before = match kept {
        Some(kept) => kept.failed.clone(),
        None => activation::failed_units(world).unwrap_or_default(),
    };
    let is_excused = |unit: &str| kept.is_some_and(|kept| kept.is_excused(unit));
    let activated = activation::activate(world, &way.old, &log(&way.id), &before, &is_excused, &say)
        .map_err(|how| format!("the old system's activation {how}"))
        .and_then(|()| {
            if is_old() {
                return Ok(());
            }
            Err(match generations::current(world) {
                Ok(current) => format!("the running system is {current}"),
                Err(error) => format!("the running system cannot be read: {error}"),
            })
        });
    let left = preflight::end(world);
    let may_have_changed = journal.as_ref().is_none_or(|journal| journal.kept.finalized);
    let default = restore_default(world, way, may_have_changed);

    // Leftovers do not make a complete system less complete.
    let wrong = activated.and(default);
    let reason = Some(with(with(reason, left.as_ref().err()), wrong.as_ref().err()));
    let state = match &wrong {
        Ok(()) => State::RolledBack,
        Err(_) => State::NotRolledBack,
    };
    let ended = end(&mut journal, state, reason);
    wrong.and(left).and(ended)
}

fn with(reason: String, more: Option<&String>) -> String {
    match more {
        Some(more) => format!("{reason}; then {more}"),
        None => reason,
    }
}

fn enter(journal: &mut Option<Journal<'_>>, state: State) {
    if let Some(journal) = journal {
        let _ = journal.enter(state);
    }
}

/// An outcome that cannot be written is an error, so that systemd retries.
fn end(journal: &mut Option<Journal<'_>>, state: State, reason: Option<String>) -> Result<(), String> {
    let Some(journal) = journal else { return Ok(()) };
    journal.kept.record.reason = reason;
    journal
        .enter(state)
        .map_err(|error| format!("the end '{state}' cannot be written: {error}"))
}

/// The profile first, then the boot loader, then the generations that only this deployment made. A rollback may have
/// been killed between the first two, so the boot loader is always updated if the default may have been changed.
fn restore_default(world: &dyn World, way: &Way, may_have_changed: bool) -> Result<(), String> {
    if !may_have_changed && generations::number(world) == way.default {
        return Ok(());
    }
    let profile = |error| format!("the boot default was not restored: {error}");
    let Some(default) = way.default else {
        // There was no profile before.
        return world
            .remove(Path::new(PROFILE))
            .map_err(|error| profile(error.to_string()))
            .map(|()| delete_new(world, way));
    };
    let switched = if generations::number(world) == Some(default) {
        Ok(())
    } else {
        generations::switch(world, default).map_err(|error| profile(error.to_string()))
    };
    let booted = generations::system(world, default)
        .map_err(|error| profile(error.to_string()))
        .and_then(|system| {
            activation::boot(world, &system, &log(&way.id))
                .map_err(|error| format!("the boot loader failed: {error}"))
        });
    delete_new(world, way);
    switched.and(booted)
}

/// A generation that remains does no harm: no restart boots it.
fn delete_new(world: &dyn World, way: &Way) {
    let is_new = |system: StorePath| system == way.new;
    let made = generations::all(world).into_iter().filter(|number| {
        *number > way.newest
            && Some(*number) != generations::number(world)
            && generations::system(world, *number).is_ok_and(is_new)
    });
    for number in made.take(REMOVED as usize) {
        if way.default.is_some() {
            let _ = generations::delete(world, number);
        } else {
            let _ = world.remove(&generations::link(number));
        }
    }
}
