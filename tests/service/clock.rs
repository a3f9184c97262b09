//! A clock that a test can advance, like that of a machine that was suspended.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;
use wordtally::clock::Clock;

/// Longer than any age in a test.
const UPTIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

thread_local! {
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
    static SUSPENDED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The clock of this thread: tokio's time, which stops while the machine is suspended, plus the time of suspension.
pub(crate) fn clock() -> Clock {
    BEGUN.set(Some(Instant::now()));
    SUSPENDED.set(Duration::ZERO);
    Clock::new(|| UPTIME + BEGUN.get().map(|begun| begun.elapsed()).unwrap_or_default() + SUSPENDED.get())
}

/// A clock of real time for all threads, on a machine that has run for longer than any age.
pub(crate) fn shared() -> Clock {
    static BEGUN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    Clock::new(|| UPTIME + BEGUN.elapsed())
}

/// Suspends the machine for this long.
pub(crate) fn suspend(period: Duration) {
    SUSPENDED.set(SUSPENDED.get() + period);
}
