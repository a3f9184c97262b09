//! Ctrl-C, or the cancellation of a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether the deployment should end. It ends at a safe point, so each wait only checks this.
#[derive(Debug)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Handles the signals that end a program.
    ///
    /// # Errors
    ///
    /// The system's refusal.
    pub(super) fn register() -> Result<Self, String> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&came))
                .map_err(|error| format!("cannot handle signal {signal}: {error}"))?;
        }
        Ok(Self(came))
    }

    /// Never interrupted, for a rollback, which has to reach its end.
    pub(super) fn never() -> Self {
        Self(Arc::default())
    }

    /// Whether an interrupt has arrived.
    #[must_use]
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
