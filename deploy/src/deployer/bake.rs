//! Several hosts, one after another. The first is the canary: the release bakes there before the next host is changed.

use std::thread;
use std::time::{Duration, Instant};

use super::host::Host;
use super::pages::{self, Telling};
use super::promote::{Promoted, promote};
use super::{Failure, Interrupt, reach, rollback};
use crate::cli::To;
use crate::vouch::attested::Target;

/// The interval between two rounds of checks.
const EVERY: Duration = Duration::from_secs(10);
/// How often a wait checks for an interrupt.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn bring(targets: &[Target], to: &To, interrupt: &Interrupt) -> Result<(), Failure> {
    for (number, target) in targets.iter().enumerate() {
        let host = reach(target, &to.login, interrupt)?;
        let bakes = number == 0 && !to.bake.is_zero();
        let done = promote(&host, target, to.force.as_deref(), bakes).and_then(|promoted| match bakes {
            true => bake(&host, target, to, &promoted),
            false => Ok(()),
        });
        let rest: Vec<_> = targets
            .iter()
            .skip(number + 1)
            .map(|one| one.name.as_str())
            .collect();
        if done.is_err() && !rest.is_empty() {
            host.say(&format!("stops here, and {} was not touched", rest.join(", ")));
        }
        done?;
    }
    Ok(())
}

/// Checks the pages for a while. The first failure, or an interrupt, rolls the host back.
fn bake(host: &Host<'_>, target: &Target, to: &To, promoted: &Promoted) -> Result<(), Failure> {
    let time = to.bake;
    host.say(&format!("bakes for {}", humantime::format_duration(time)));
    let end = Instant::now() + time;
    let mut rounds = 0;
    let fault = loop {
        rounds += 1;
        let (telling, excused) = (Telling::Wrong, &promoted.excused);
        if let Err(wrong) = pages::check(host, &target.deployment.pages, excused, telling) {
            break wrong;
        }
        if Instant::now() >= end {
            host.say(&format!("baked: its pages were correct {rounds} times"));
            return Ok(());
        }
        let next = (Instant::now() + EVERY).min(end);
        while Instant::now() < next && !host.interrupt.came() {
            thread::sleep(LOOK);
        }
    };
    let fault = match host.interrupt.came() {
        true => "it was interrupted".to_owned(),
        false => fault,
    };
    if !promoted.changed {
        return Err(host.failed(format!("it had this release before, and while it baked: {fault}")));
    }
    host.say(&format!("while it baked: {fault}"));
    let never = Interrupt::never();
    let host = &reach(target, &to.login, &never)?;
    match rollback::roll_back(host, promoted.before) {
        Ok(()) => Err(host.failed(format!("rolled back: while it baked: {fault}"))),
        Err(error) => Err(host.failed(format!(
            "while it baked: {fault}; then its rollback failed: {error}"
        ))),
    }
}
