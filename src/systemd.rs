//! Notifies systemd of the service's state: ready, stopping, alive. Without systemd it does nothing.
//!
//! Nothing here blocks: a message for which systemd's queue has no room is sent again a little later.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, sleep};

use crate::cause::chain;
use crate::platform::notify_address;

/// The pause before a message is sent again.
const PAUSE: Duration = Duration::from_millis(50);
/// How long sending a message is retried. systemd's own timeout for a start or a stop is not longer.
const PATIENCE: Duration = Duration::from_secs(90);
/// The same during a reload, which does its work between two messages.
const RELOAD: Duration = Duration::from_secs(5);

/// Reports that the service answers requests, with a line for `systemctl status`.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// Reports that the service is reading its files again. [`reloaded`] must follow.
pub async fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => deliver(message(&[NotifyState::Reloading, now]), RELOAD).await,
        Err(error) => failed(&error),
    }
}

/// Reports that the reload has ended.
pub async fn reloaded() {
    deliver(message(&[NotifyState::Ready]), RELOAD).await;
}

/// Ends when `shutdown` does, and reports to systemd and the log that the drain begins.
pub async fn stopping_at(shutdown: impl Future<Output = ()>) {
    shutdown.await;
    stopping();
    tracing::info!("draining");
}

/// Reports that the service is draining.
pub fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Reports at half of `WatchdogSec=` that the service is alive; it never ends if the watchdog is set, and does nothing
/// otherwise.
///
/// Run it on the runtime that serves: if that is stuck, no message is sent, and systemd restarts the service.
pub fn watchdog() -> impl Future<Output = ()> + Send + 'static {
    let period = sd_notify::watchdog_enabled();
    async move {
        let Some(period) = period.filter(|period| !period.is_zero()) else {
            return;
        };
        // After a delay one message is sent, not one for each that was missed.
        let mut ticks = tokio::time::interval((period / 2).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            deliver(message(&[NotifyState::Watchdog]), period / 2).await;
        }
    }
}

/// A line break in the text would start another assignment.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Sends the state to systemd: now, or in the background if its queue is full. The service continues if systemd cannot
/// be notified; systemd will notice.
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

/// Sends a message as soon as there is room for it, until the limit.
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

/// Sends a message unless that would block. sd-notify's own call blocks.
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
