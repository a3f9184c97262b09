//! What is left of a deployment that did not reach its end. It acts by facts and by its arguments: a file that cannot be
//! read or written hinders nothing. No step hinders the next, what clients meet comes first, and it may be begun anew.

use super::names::StorePath;
use super::places::{PROFILE, log};
use super::records::{self, Journal, Way};
use super::world::World;
use super::{activation, generations, preflight};
use crate::state::State;

use std::path::Path;

/// Generations of one deployment that are removed: it makes one, and a second is what an earlier way back left.
const REMOVED: u64 = 2;

/// Most seconds of all steps.
pub const MOST: u64 = activation::LISTED
    + activation::ACTIVATED
    + preflight::ENDED
    + generations::CHANGED
    + activation::BOOTED
    + REMOVED * generations::CHANGED;

/// How a deployment's main process ended, as systemd says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// It reached its end.
    Committed,
    /// It ended by itself, before its end.
    Failed,
    /// It was ended, or systemd does not say.
    Interrupted,
}

impl Forward {
    /// From what systemd tells an `ExecStopPost`.
    #[must_use]
    pub fn from_environment(code: Option<&str>, status: Option<&str>) -> Self {
        match (code, status) {
            (Some("exited"), Some("0")) => Self::Committed,
            (Some("exited"), Some(_)) => Self::Failed,
            _ => Self::Interrupted,
        }
    }
}

/// Has the old system run, and be the boot default.
///
/// # Errors
///
/// What is not as it was.
pub fn back(world: &dyn World, way: &Way, forward: Forward) -> Result<(), String> {
    let mut journal = records::read(world, &way.id)
        .ok()
        .map(|kept| Journal::new(world, kept));
    let state = journal.as_ref().map(|journal| journal.kept.record.state);
    // One that did not bring the old system back whole is tried again.
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
    // Another system than these two is none that this deployment has brought.
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
    // Where nobody knows what had failed before, what fails now is taken for it: the old system runs in any case.
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
                Ok(current) => format!("what runs is {current}"),
                Err(error) => format!("what runs cannot be read: {error}"),
            })
        });
    let left = preflight::end(world);
    let may_have_changed = journal.as_ref().is_none_or(|journal| journal.kept.finalized);
    let default = restore_default(world, way, may_have_changed);

    // What was left beside a whole system does not make it less whole.
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

/// An end that cannot be written is an error, so that systemd has it tried again.
fn end(journal: &mut Option<Journal<'_>>, state: State, reason: Option<String>) -> Result<(), String> {
    let Some(journal) = journal else { return Ok(()) };
    journal.kept.record.reason = reason;
    journal
        .enter(state)
        .map_err(|error| format!("the end '{state}' cannot be written: {error}"))
}

/// The profile first, then the boot loader, then the generations that only this deployment made. A way back may have
/// died between the first two: where the default may have been changed, the boot loader's part is always done.
fn restore_default(world: &dyn World, way: &Way, may_have_changed: bool) -> Result<(), String> {
    if !may_have_changed && generations::number(world) == way.default {
        return Ok(());
    }
    let profile = |error| format!("the boot default is not as it was: {error}");
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
                .map_err(|error| format!("the boot loader's part failed: {error}"))
        });
    delete_new(world, way);
    switched.and(booted)
}

/// One that stays does no harm: no restart boots it.
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
