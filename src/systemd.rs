//! Tells systemd how the service is: ready, stopping, alive. Without systemd all of it does nothing.
//!
//! Nothing here waits for systemd: a notice that its queue has no room for is sent again a little later.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, sleep};

use crate::cause::chain;
use crate::platform::notify_address;

/// The pause before a notice is sent again.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a notice is sent again. systemd's own patience with a start or a stop is not longer.
const PATIENCE: Duration = Duration::from_secs(90);
/// The same during a reload, which does its work in between.
const RELOAD: Duration = Duration::from_secs(5);

/// Says that the service answers requests, with one line for `systemctl status`.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// Says that the service reads its files anew. [`reloaded`] must follow.
pub async fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => deliver(message(&[NotifyState::Reloading, now]), RELOAD).await,
        Err(error) => failed(&error),
    }
}

/// Says that it has done so.
pub async fn reloaded() {
    deliver(message(&[NotifyState::Ready]), RELOAD).await;
}

/// Ends when `shutdown` does, and says so to systemd and to the log: what follows is the drain.
pub async fn stopping_at(shutdown: impl Future<Output = ()>) {
    shutdown.await;
    stopping();
    tracing::info!("draining");
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
            deliver(message(&[NotifyState::Watchdog]), period / 2).await;
        }
    }
}

/// A line break in the text would start an assignment of its own.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Tells systemd the state: now, or in the background if its queue is full. The service goes on if systemd can't be told:
/// that is systemd's to notice.
pub fn notify(state: &[NotifyState<'_>]) {
    let message = message(state);
    match (send(&message), tokio::runtime::Handle::try_current()) {
        (Err(error), Ok(runtime)) if error.kind() == ErrorKind::WouldBlock => {
            drop(runtime.spawn(deliver(message, PATIENCE)));
        }
        (Err(error), _) => failed(&error),
        (Ok(()), _) => {}
    }
}

/// Sends a message until there is room for it, or until the limit.
async fn deliver(message: String, limit: Duration) {
    let deadline = Instant::now() + limit;
    loop {
        match send(&message) {
            Ok(()) => return,
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() + PAUSE < deadline => {
                sleep(PAUSE).await;
            }
            Err(error) => return failed(&error),
        }
    }
}

fn failed(error: &io::Error) {
    tracing::warn!(cause = chain(error), "cannot notify systemd");
}

fn message(state: &[NotifyState<'_>]) -> String {
    state.iter().map(|state| format!("{state}\n")).collect()
}

/// Sends a message, unless that would wait. sd-notify's own call waits.
fn send(message: &str) -> io::Result<()> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = notify_address(&socket)?;
    let datagram = UnixDatagram::unbound()?;
    datagram.set_nonblocking(true)?;
    datagram.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(
            message(&[NotifyState::Ready, NotifyState::Status(&one_line("a\nERRNO=5"))]),
            "READY=1\nSTATUS=a ERRNO=5\n"
        );
    }
}
