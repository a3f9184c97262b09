//! The clock that counts ages. It goes on while the machine is suspended, as tokio's and the standard library's do not.

use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::time::clock_gettime;
use tokio::time::sleep;

use crate::platform::SINCE_BOOT;

/// A wait is made of naps, since tokio's timers stand still while the machine is suspended. What came due meanwhile is
/// done so long after it woke at the latest, or after this part of what was left of the wait.
const NAP: Duration = Duration::from_secs(10);
const PARTS: u32 = 100;

/// A moment by this clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(Duration);

impl BootTime {
    /// The time from an earlier moment to this one; none if it is a later one.
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

/// What reads the clock: the kernel's, or a test's.
#[derive(Debug, Clone, Copy)]
pub struct Clock(fn() -> Duration);

impl Default for Clock {
    fn default() -> Self {
        Self(since_boot)
    }
}

impl Clock {
    /// A clock that reads by this.
    pub fn new(read: fn() -> Duration) -> Self {
        Self(read)
    }

    /// This moment.
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

    /// The kernel counts its uptime by the same clock, in whatever time namespace this runs.
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
