//! Repairs what a deployment left whose way back died too, and what a restart in the middle of one left.

use std::io;
use std::time::Duration;

use super::back::{Forward, back};
use super::lock::Unit;
use super::names::StorePath;
use super::world::World;
use super::{activation, generations, lock, places, preflight, records};
use crate::state::State;

/// For a way back to end; its unit has a limit of its own.
const WAIT: Duration = Duration::from_secs(lock::BACK + lock::MARGIN);
/// For one that begins, whose own commands have limits.
const LOCK: Duration = Duration::from_secs(180);
/// How often it is tried. Counted here: an activation resets what systemd counts.
const TRIES: usize = 5;
/// Since the first one began, no other begins.
const TRYING: Duration = Duration::from_secs(600);
/// Between two tries.
pub const PAUSE: Duration = Duration::from_secs(10);
/// Most seconds of it all: the last try may begin when no more may. systemd gives it more than that.
pub const MOST: u64 = LOCK.as_secs()
    + WAIT.as_secs()
    + TRYING.as_secs()
    + activation::BOOTED
    + super::back::MOST
    + lock::MARGIN;

/// Goes back where the last deployment has no end, or did not bring the old system back whole. One that is the boot
/// default already stays. What was not brought back by the last try ends as that: another deployment may begin.
///
/// # Errors
///
/// What is not as it was.
pub fn recover(world: &dyn World, pause: Duration) -> Result<(), String> {
    // One that begins has kept its record, and may have no unit yet. A lock that cannot be made hinders nothing.
    let locked = world.lock(&places::beginning(), LOCK);
    if locked
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    {
        return Err("another deployment begins, or is repaired".to_owned());
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

/// Whether the deployment's unit has ended, and what it left is for this to repair.
fn await_way_back(world: &dyn World) -> Result<bool, String> {
    // An activation starts this too. While a deployment goes forward, its own way back is still to come. While that goes
    // on, this waits: a start that is asked for when it fails would be lost on a unit that runs already.
    let begun = world.clock();
    loop {
        match lock::unit(world).map_err(|error| error.to_string())? {
            Unit::Ended => return Ok(true),
            Unit::Going => return Ok(false),
            Unit::Ending if world.clock() > begun + WAIT => {
                return Err("the way back does not end".to_owned());
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
        // An operator has brought another system since: that one stays.
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
    // It was confirmed, and only the boot loader's part or the word of it may be missing.
    if last.record.state == State::Finalizing && is_new(current) && is_new(generations::default(world)) {
        let booted = activation::boot(world, &last.way.new, &places::log(&last.way.id));
        if booted.is_ok() {
            return back(world, &last.way, Forward::Committed);
        }
    }
    back(world, &last.way, Forward::Interrupted)
}
