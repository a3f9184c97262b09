use std::time::Duration;

use super::descriptors;

/// What one client, or all of them together, may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; one more is closed unread.
    pub connections: usize,
    /// How long a request's head may take, and a connection idle between requests.
    pub head_read: Duration,
    /// How far a peer may fall behind the least rate at which it must take what we write.
    pub write_stall: Duration,
    /// That rate, in bytes a second.
    pub write_rate: u32,
    /// How long after the start requests wait for the first refresh.
    pub first_answer: Duration,
    /// How long a drain still takes requests on open connections, so that one already sent is not lost.
    pub last_requests: Duration,
    /// How long a drain may take in all; what is open then is cut.
    pub drain: Duration,
}

impl Limits {
    /// The limits with no more connections than the file descriptors allow.
    pub fn within(descriptors: u64) -> Self {
        let limits = Self::default();
        Self {
            connections: limits.connections.min(descriptors::connections(descriptors)),
            ..limits
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            head_read: Duration::from_secs(10),
            write_stall: Duration::from_secs(30),
            write_rate: 1024,
            first_answer: Duration::from_secs(10),
            last_requests: Duration::from_millis(100),
            drain: Duration::from_secs(10),
        }
    }
}
