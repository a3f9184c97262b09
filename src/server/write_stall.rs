use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::limits::Limits;
use crate::platform::limit_unacknowledged;

/// How long a TCP peer may leave sent data unacknowledged once we have closed. Before that, the kernel must not measure
/// it: the kernel treats a window that opens by less than the next segment as closed, so that it would cut a slow
/// reader.
const AFTER_CLOSE: Duration = Duration::from_secs(30);

/// A stream whose peer must keep reading what we write.
///
/// Waiting for a peer uses up patience, and each byte that the peer takes restores some. A peer that takes nothing is
/// cut after the limit; one that is slower than the least rate is cut later. A timer is needed only while the peer's
/// buffers are full.
pub(super) struct WriteStall<'a, S: AsFd> {
    stream: S,
    limit: Duration,
    /// In bytes per second.
    rate: u32,
    patience: Duration,
    waiting: Option<Waiting>,
    /// Whether data waits to be read by the peer.
    stalled: &'a AtomicBool,
}

struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<'a, S: AsFd> WriteStall<'a, S> {
    pub(super) fn new(stream: S, limits: &Limits, stalled: &'a AtomicBool) -> Self {
        Self {
            stream,
            limit: limits.write_stall,
            rate: limits.write_rate,
            patience: limits.write_stall,
            waiting: None,
            stalled,
        }
    }

    /// The result of a write. When the patience is used up, a pending write is tried once more directly: the kernel
    /// reports a socket as writable only when a good part of its buffer is free, which may take a slow peer longer.
    fn bounded(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        at_once: impl FnOnce(SockRef<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let Ok(bytes) = written {
                self.took(bytes);
            }
            return Poll::Ready(written);
        }
        self.stalled.store(true, Ordering::Relaxed);
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: Instant::now(),
            end: Box::pin(tokio::time::sleep(patience)),
        });
        if waiting.end.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        match at_once(SockRef::from(&self.stream)) {
            Ok(bytes @ 1..) => {
                self.took(bytes);
                Poll::Ready(Ok(bytes))
            }
            _ => Poll::Ready(Err(self.cut())),
        }
    }

    fn took(&mut self, bytes: usize) {
        if let Some(waiting) = self.waiting.take() {
            self.stalled.store(false, Ordering::Relaxed);
            self.patience = self.patience.saturating_sub(waiting.since.elapsed());
        }
        if self.patience < self.limit {
            let earned = Duration::from_secs_f64(bytes as f64 / f64::from(self.rate.max(1)));
            self.patience = self.patience.saturating_add(earned).min(self.limit);
        }
    }

    /// Closing then resets the connection, so that the kernel drops the data that it buffers for the peer.
    fn cut(&self) -> io::Error {
        let reset = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        reset.err().unwrap_or_else(|| {
            io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing, or too slowly")
        })
    }
}

impl<S: AsFd> Drop for WriteStall<'_, S> {
    fn drop(&mut self) {
        // A Unix socket does not have this option, and nothing that outlives it.
        let _ = limit_unacknowledged(&self.stream, AFTER_CLOSE);
    }
}

impl<S: AsyncRead + AsFd + Unpin> AsyncRead for WriteStall<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + AsFd + Unpin> AsyncWrite for WriteStall<'_, S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(cx, written, |socket| socket.send(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.bounded(cx, written, |socket| socket.send_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
