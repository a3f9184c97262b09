//! A client that sees every byte.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

/// Longer than anything here takes, so that a hang becomes a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Client<S> {
    stream: S,
    received: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            received: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one response; a response to HEAD has no body, whatever its Content-Length is.
    pub(crate) async fn reply(&mut self, to_head: bool) -> Reply {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(
                self.fill().await,
                "closed before a whole response: {:?}",
                self.text()
            );
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let mut reply = Reply {
            head,
            body: Vec::new(),
        };
        if !to_head && reply.status() != 304 {
            let length = reply.header("content-length").expect("a length").parse().unwrap();
            while self.received.len() < length {
                assert!(self.fill().await, "closed before a whole body");
            }
            reply.body = self.received.drain(..length).collect();
        }
        reply
    }

    /// Everything until the server closes.
    pub(crate) async fn rest(&mut self) -> String {
        while self.fill().await {}
        let text = self.text();
        self.received.clear();
        text
    }

    /// How long the server takes to close, and what it sent before.
    pub(crate) async fn closed_after(&mut self) -> (Duration, String) {
        let begun = Instant::now();
        let rest = self.rest().await;
        (begun.elapsed(), rest)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// Reads more; false at the end. A reset is an end, too.
    async fn fill(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        read.expect("the server neither answers nor closes").unwrap_or(0) > 0
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of a header; a repeated header is an error.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.head.lines().skip(1).filter_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        let first = found.next();
        assert_eq!(found.next(), None, "{name} twice");
        first
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
