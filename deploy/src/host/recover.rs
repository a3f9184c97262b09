//! Repairs what a deployment left if its rollback was killed too, or if the machine was restarted during it.

use std::io;
use std::time::Duration;

use super::back::{Forward, back};
use super::lock::Unit;
use super::names::StorePath;
use super::world::World;
use super::{activation, generations, lock, places, preflight, records};
use crate::state::State;

/// The limit for a rollback to end; its unit has its own limit.
const WAIT: Duration = Duration::from_secs(lock::BACK + lock::MARGIN);
/// The limit for a deployment that is starting, whose own commands have limits.
const LOCK: Duration = Duration::from_secs(180);
/// The number of attempts. They are counted here, because an activation resets systemd's counter.
const TRIES: usize = 5;
/// How long after the first attempt others may begin.
const TRYING: Duration = Duration::from_secs(600);
/// The pause between two attempts.
pub const PAUSE: Duration = Duration::from_secs(10);
/// The limit of everything in seconds: the last attempt may begin just before no more may. systemd's limit is longer.
pub const MOST: u64 = LOCK.as_secs()
    + WAIT.as_secs()
    + TRYING.as_secs()
    + activation::BOOTED
    + super::back::MOST
    + lock::MARGIN;

/// Rolls back if the last deployment has no outcome, or did not restore the old system completely. A new system that is
/// already the boot default stays. A deployment that the last attempt did not roll back ends as such, and another one
/// may start.
///
/// # Errors
///
/// The part that was not restored.
pub fn recover(world: &dyn World, pause: Duration) -> Result<(), String> {
    // A deployment that is starting has a record, and may have no unit yet. A lock that cannot be created does not stop
    // anything.
    let locked = world.lock(&places::beginning(), LOCK);
    if locked
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    {
        return Err("another deployment is starting, or being repaired".to_owned());
    }
    if !await_way_back(world)? {
        return Ok(());
    }
    let begun = world.clock();
    let mut tried = 1;
    loop {
        let ended = repair(world);
        if ended.is_ok() {
            // A refused release is not a fault of this host, and must not stay in its list of failed units.
            lock::forget(world);
            return ended;
        }
        if tried == TRIES || world.clock() + pause > begun + TRYING {
            return ended;
        }
        tried += 1;
        world.sleep(pause);
    }
}

/// Whether the deployment's unit has ended, so that its leftovers are for this process to repair.
fn await_way_back(world: &dyn World) -> Result<bool, String> {
    // An activation starts this process too. While a deployment goes forward, its own rollback is still to come. While
    // the rollback runs, this process waits: if the rollback fails, a start request for a unit that is already running
    // would be lost.
    let begun = world.clock();
    loop {
        match lock::unit(world).map_err(|error| error.to_string())? {
            Unit::Ended => return Ok(true),
            Unit::Going => return Ok(false),
            Unit::Ending if world.clock() > begun + WAIT => {
                return Err("the rollback does not end".to_owned());
            }
            Unit::Ending => world.sleep(Duration::from_secs(1)),
        }
    }
}

fn repair(world: &dyn World) -> Result<(), String> {
    let Some(last) = records::all(world).pop() else {
        return preflight::end(world);
    };
    let current = generations::current(world).ok();
    if current
        .as_ref()
        .is_some_and(|current| *current != last.way.old && *current != last.way.new)
    {
        // An operator has activated another system since: that one stays.
        return preflight::end(world);
    }
    let is_new = |system: Option<StorePath>| system.as_ref() == Some(&last.way.new);
    if last.record.state == State::NotRolledBack
        && is_new(current.clone())
        && is_new(generations::default(world))
    {
        // An operator has chosen the new system since.
        return preflight::end(world);
    }
    // It was confirmed, and only the boot loader's update or the record of it may be missing.
    if last.record.state == State::Finalizing && is_new(current) && is_new(generations::default(world)) {
        let booted = activation::boot(world, &last.way.new, &places::log(&last.way.id));
        if booted.is_ok() {
            return back(world, &last.way, Forward::Committed);
        }
    }
    back(world, &last.way, Forward::Interrupted)
}
