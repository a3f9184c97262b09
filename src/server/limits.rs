use std::time::Duration;

use super::descriptors;

/// The limits of one client, and of all clients together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most open connections; further ones are closed unread.
    pub connections: usize,
    /// How long a request's head may take, and how long a connection may be idle between requests.
    pub head_read: Duration,
    /// How far a peer may fall behind the least rate at which it must take what we write.
    pub write_stall: Duration,
    /// The least rate, in bytes per second.
    pub write_rate: u32,
    /// How long after the start requests wait for the first refresh.
    pub first_answer: Duration,
    /// How long a drain still accepts requests on open connections, so that a request that was already sent is not
    /// lost.
    pub last_requests: Duration,
    /// How long a drain may take in total; connections that are still open then are cut.
    pub drain: Duration,
}

impl Limits {
    /// The limits, with no more connections than the file descriptors allow.
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
