//! The served state: the pages of the last answer, their age, or why there are none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

use crate::answer::Moment;
use crate::clock::{BootTime, Clock};
use crate::reason::Reason;
use crate::render::Pages;

/// An answer as it is served.
#[derive(Debug)]
pub struct Entry {
    /// The rendered pages.
    pub pages: Pages,
    /// When the job was sent.
    pub sent: Moment,
}

/// The last refresh's failure.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    /// The kind of failure.
    pub reason: Reason,
    /// When the next attempt begins.
    pub retry_at: BootTime,
}

/// The result of a look-up.
#[derive(Debug)]
pub enum Lookup {
    /// An answer that may be served, and its age.
    Found(Arc<Entry>, Duration),
    /// No answer, or one that is too old to serve.
    Missing {
        /// Why, if a refresh has failed; none while the first one runs.
        reason: Option<Reason>,
        /// When asking again makes sense.
        retry_after: Duration,
    },
}

/// The single place from which pages are served. Reading it takes no lock.
#[derive(Debug)]
pub struct Cache {
    entry: ArcSwapOption<Entry>,
    failure: ArcSwap<Option<Failure>>,
    attempted: watch::Sender<bool>,
    /// Whether the first refresh has ended, for each request to read: reading the watch channel would take a lock.
    is_attempted: AtomicBool,
    /// The clock that measures ages.
    pub clock: Clock,
    /// How long an answer counts as fresh.
    pub ttl: Duration,
    /// How old an answer may get before it is no longer served.
    pub max_stale: Duration,
}

impl Cache {
    /// An empty cache.
    pub fn new(ttl: Duration, max_stale: Duration) -> Self {
        Self::by(Clock::default(), ttl, max_stale)
    }

    /// An empty cache with another clock for ages.
    pub fn by(clock: Clock, ttl: Duration, max_stale: Duration) -> Self {
        Self {
            clock,
            entry: ArcSwapOption::empty(),
            failure: ArcSwap::from_pointee(None),
            attempted: watch::Sender::new(false),
            is_attempted: AtomicBool::new(false),
            ttl,
            max_stale,
        }
    }

    /// Replaces the answer with a new one.
    pub fn publish(&self, entry: Entry) {
        self.entry.store(Some(Arc::new(entry)));
        self.failure.store(Arc::new(None));
        self.end_attempt();
    }

    /// Notes that a refresh failed; the old answer stays.
    pub fn fail(&self, failure: Failure) {
        self.failure.store(Arc::new(Some(failure)));
        self.end_attempt();
    }

    fn end_attempt(&self) {
        self.is_attempted.store(true, Ordering::Release);
        self.attempted.send_replace(true);
    }

    /// The answer to serve now.
    pub fn lookup(&self) -> Lookup {
        self.lookup_at(self.clock.now())
    }

    /// The answer to serve at a given moment, which has just passed.
    pub fn lookup_at(&self, now: BootTime) -> Lookup {
        if let Some(entry) = self.entry.load_full() {
            let age = now.saturating_duration_since(entry.sent.monotonic);
            if age <= self.max_stale {
                return Lookup::Found(entry, age);
            }
        }
        let failure = **self.failure.load();
        Lookup::Missing {
            reason: failure.map(|failure| failure.reason),
            retry_after: failure.map_or(Duration::from_secs(1), |failure| {
                failure.retry_at.saturating_duration_since(now)
            }),
        }
    }

    /// Whether an answer of this age should have been replaced by a refresh that failed. An answer that is a little
    /// older than its TTL while the next job runs does not count as stale.
    pub fn is_stale(&self, age: Duration) -> bool {
        age > self.ttl && self.failure.load().is_some()
    }

    /// Whether the first refresh has ended, successfully or not.
    pub fn is_attempted(&self) -> bool {
        self.is_attempted.load(Ordering::Acquire)
    }

    /// Waits until the first refresh has ended, successfully or not, or until the limit.
    pub async fn attempted(&self, limit: Duration) {
        let mut attempted = self.attempted.subscribe();
        // Both outcomes are fine: the lookup that follows tells which it was.
        let _ = tokio::time::timeout(limit, attempted.wait_for(|done| *done)).await;
    }
}
