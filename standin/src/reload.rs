//! SIGHUP reads the IAM files again, so that a key can be rotated while the stand-in serves.

use std::io;
use std::path::PathBuf;

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
        match Policy::load_all(files) {
            Ok(policy) => {
                standin.change_policy(|known| *known = policy);
                tracing::info!(files = files.len(), "the IAM files were read again");
            }
            Err(error) => {
                tracing::error!(%error, "the IAM files were not read again: the policy stays as it was")
            }
        }
    }
    std::future::pending().await
}
