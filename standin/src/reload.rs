//! SIGHUP reads the IAM files again, so that a key can be rotated while the stand-in serves. systemd is notified: with
//! `Type=notify-reload`, its reload ends when the files have been read.

use std::io;
use std::path::PathBuf;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Standin;
use crate::iam::Policy;

/// Notifies systemd, if it waits for that.
pub type Notify = fn(&[NotifyState<'_>]);

/// Waits for SIGHUP, which would otherwise end the process, from now on.
pub(crate) fn hangup() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Takes the policy from the files at every signal. A file that is missing or invalid changes nothing.
pub(crate) async fn at(mut hangup: Signal, standin: &Standin, files: &[PathBuf], notify: Notify) {
    while hangup.recv().await.is_some() {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!(%error, "cannot tell systemd of the reload: no clock"),
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
        notify(&[NotifyState::Ready]);
    }
    std::future::pending().await
}
