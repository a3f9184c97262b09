//! Tells systemd how the service is: ready, stopping, alive. Without systemd all of it does nothing.

use std::future::Future;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::cause::chain;

/// Says that the service answers requests, with one line for `systemctl status`.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// Says that the service drains.
pub fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Says at half of `WatchdogSec=` that the service lives; for ever, or not at all if none is set.
///
/// Run it on the runtime that serves: if that is stuck, no word comes, and systemd restarts the service.
pub fn watchdog() -> impl Future<Output = ()> + Send + 'static {
    let period = sd_notify::watchdog_enabled();
    async move {
        let Some(period) = period.filter(|period| !period.is_zero()) else {
            return;
        };
        // A late word is sent once, not once for each that was missed.
        let mut ticks = tokio::time::interval((period / 2).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            notify(&[NotifyState::Watchdog]);
        }
    }
}

/// A line break in the text would start an assignment of its own.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Tells systemd the state, without waiting on an answer. The service goes on if systemd can't be told: that is systemd's to notice.
pub fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(cause = chain(&error), "cannot notify systemd");
    }
}
