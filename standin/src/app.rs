use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::auth::Authority;
use crate::faults::Faults;
use crate::rest::Jobs;
use crate::sql::Database;

/// The state that all request handlers share.
pub(crate) struct App {
    pub(crate) authority: Authority,
    pub(crate) database: Arc<Database>,
    pub(crate) jobs: Jobs,
    pub(crate) faults: Faults,
    pub(crate) counts: Counts,
    /// The stand-in's own address, without a trailing slash.
    pub(crate) url: String,
    /// Whether `/standin/…` exists.
    pub(crate) admin: bool,
}

/// How many requests the stand-in has received since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Requests to the token endpoints, including refused and faulty ones.
    pub token_requests: u64,
    /// Jobs created, including failed ones; dry runs create none.
    pub jobs_created: u64,
    /// Requests for a job's results.
    pub polls: u64,
    /// Requests to cancel a job.
    pub cancels: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) token_requests: AtomicU64,
    pub(crate) jobs_created: AtomicU64,
    pub(crate) polls: AtomicU64,
    pub(crate) cancels: AtomicU64,
}

impl Counts {
    pub(crate) fn read(&self) -> Counters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            token_requests: read(&self.token_requests),
            jobs_created: read(&self.jobs_created),
            polls: read(&self.polls),
            cancels: read(&self.cancels),
        }
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
