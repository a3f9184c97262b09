//! Ctrl-C, or a job that is cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether whoever deploys wants it to end. It ends at a safe place, so it is only looked at, by each wait.
#[derive(Debug)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes the signals that end a program.
    ///
    /// # Errors
    ///
    /// What the system refused.
    pub(super) fn register() -> Result<Self, String> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&came))
                .map_err(|error| format!("signal {signal} cannot be taken: {error}"))?;
        }
        Ok(Self(came))
    }

    /// None: for a way back, which has to reach its end.
    pub(super) fn never() -> Self {
        Self(Arc::default())
    }

    /// Whether one came.
    #[must_use]
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
