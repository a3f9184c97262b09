//! SIGHUP: the credential is read again and the answer refreshed. The process and its answer stay.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::bigquery::BigQuery;
use crate::systemd;

/// Reloads at each SIGHUP, for as long as it is polled. `early` starts a refresh before it is due.
///
/// # Errors
///
/// If the runtime cannot watch for signals.
pub fn at_hangup(
    bigquery: Arc<BigQuery>,
    early: Arc<Notify>,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("reading the credential anew");
            systemd::reloading().await;
            bigquery.renew_credential();
            early.notify_one();
            systemd::reloaded().await;
        }
    })
}
