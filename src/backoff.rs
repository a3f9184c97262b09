//! Waits between attempts.

use std::time::Duration;

/// Waits that double with each attempt, with jitter so that many instances spread out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// The upper bound of the first wait.
    pub(crate) first: Duration,
    /// The upper bound of every wait.
    pub(crate) most: Duration,
}

impl Backoff {
    /// The wait after this many failed attempts: between half of the bound and the bound.
    pub(crate) fn delay(self, tries: u32) -> Duration {
        let whole = self.first.saturating_mul(1 << tries.min(16)).min(self.most);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_never_fall_under_half() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            most: Duration::from_millis(1000),
        };
        for (tries, whole) in [
            (0, 100),
            (1, 200),
            (2, 400),
            (3, 800),
            (4, 1000),
            (u32::MAX, 1000),
        ] {
            for _ in 0..50 {
                let delay = backoff.delay(tries);
                assert!(delay >= Duration::from_millis(whole / 2), "{tries}: {delay:?}");
                assert!(delay <= Duration::from_millis(whole), "{tries}: {delay:?}");
            }
        }
    }
}
