//! A clock that a test can set ahead, as a machine's is that was suspended.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;
use wordtally::clock::Clock;

/// Long before any age of a test.
const UPTIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

thread_local! {
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
    static SUSPENDED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A clock of this thread's: tokio's time, which stands still in a suspended machine, and the time of suspension.
pub(crate) fn clock() -> Clock {
    BEGUN.set(Some(Instant::now()));
    SUSPENDED.set(Duration::ZERO);
    Clock::new(|| UPTIME + BEGUN.get().map(|begun| begun.elapsed()).unwrap_or_default() + SUSPENDED.get())
}

/// A clock of real time that all threads share, on a machine that has run for longer than any age.
pub(crate) fn shared() -> Clock {
    static BEGUN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    Clock::new(|| UPTIME + BEGUN.elapsed())
}

/// The machine slept for so long.
pub(crate) fn suspend(period: Duration) {
    SUSPENDED.set(SUSPENDED.get() + period);
}
