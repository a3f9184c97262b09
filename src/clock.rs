//! The clock that measures ages. It advances while the machine is suspended; those of tokio and the standard library do
//! not.

use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::time::clock_gettime;
use tokio::time::sleep;

use crate::platform::SINCE_BOOT;

/// A long wait is split into naps, because tokio's timers stop while the machine is suspended. Work that came due
/// meanwhile starts at most this long after the machine resumed, or after this share of the remaining wait.
const NAP: Duration = Duration::from_secs(10);
const PARTS: u32 = 100;

/// A moment by this clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(Duration);

impl BootTime {
    /// The time from an earlier moment to this one; zero if it is later.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for BootTime {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

impl Sub<Duration> for BootTime {
    type Output = Self;

    fn sub(self, age: Duration) -> Self {
        Self(self.0.saturating_sub(age))
    }
}

/// The source of the time: the kernel, or a test.
#[derive(Debug, Clone, Copy)]
pub struct Clock(fn() -> Duration);

impl Default for Clock {
    fn default() -> Self {
        Self(since_boot)
    }
}

impl Clock {
    /// A clock that reads the time with this function.
    pub fn new(read: fn() -> Duration) -> Self {
        Self(read)
    }

    /// The present moment.
    pub fn now(self) -> BootTime {
        BootTime((self.0)())
    }

    /// Waits for a moment.
    pub async fn sleep_until(self, moment: BootTime) {
        loop {
            let left = moment.saturating_duration_since(self.now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(NAP.max(left / PARTS))).await;
        }
    }
}

fn since_boot() -> Duration {
    let read = clock_gettime(SINCE_BOOT);
    Duration::new(
        u64::try_from(read.tv_sec).unwrap_or_default(),
        u32::try_from(read.tv_nsec).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel counts its uptime by the same clock, whatever time namespace this process runs in.
    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_the_kernels_uptime() {
        let uptime = || -> f64 {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            text.split(' ').next().unwrap().parse().unwrap()
        };
        let (before, now, after) = (uptime(), Clock::default().now().0.as_secs_f64(), uptime());
        assert!(
            before - 0.02 <= now && now <= after + 0.02,
            "{before} {now} {after}"
        );
    }
}
