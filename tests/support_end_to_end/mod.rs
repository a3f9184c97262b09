//! The whole service, for tests: the real binary as a process of its own, and the stand-in that it asks.
#![allow(dead_code, unreachable_pub, missing_docs)]
// Clippy sees only functions marked as tests as such; these are theirs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod google;
mod process;

use std::time::Duration;

use tokio::time::{Instant, sleep};

pub use google::*;
pub use process::*;

/// Longer than anything here takes, so that a hang fails instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Asks again until there is something.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
