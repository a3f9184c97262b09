//! SIGHUP reads the IAM files again, so that a key can be rotated while the stand-in serves. systemd is told of it:
//! as `Type=notify-reload`, its reload ends when the files have been read.

use std::io;
use std::path::PathBuf;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Standin;
use crate::iam::Policy;

/// Waits for SIGHUP from now on, which would otherwise end the process.
pub(crate) fn hangup() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Takes the files' policy at every signal. A file that is missing or wrong changes nothing.
pub(crate) async fn at(mut hangup: Signal, standin: &Standin, files: &[PathBuf]) {
    while hangup.recv().await.is_some() {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!(%error, "systemd cannot be told of the reload: no clock"),
        }
        match Policy::load_all(files) {
            Ok(policy) => {
                standin.change_policy(|known| *known = policy);
                tracing::info!(files = files.len(), "the IAM files were read again");
            }
            Err(error) => {
                tracing::error!(%error, "the IAM files were not read again: the policy stays as it was")
            }
        }
        ready();
    }
    std::future::pending().await
}

/// Tells systemd, if it waits, that the stand-in serves.
pub(crate) fn ready() {
    notify(&[NotifyState::Ready]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}
