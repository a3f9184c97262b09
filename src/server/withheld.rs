use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that withholds what hyper writes by itself: its bare response to a head that it cannot parse, after which
/// it closes the connection. We send a response of ours instead.
pub(super) struct Withheld<'a, S> {
    stream: S,
    /// Whether a response of ours is being written.
    responded: &'a AtomicBool,
    status: Option<StatusCode>,
}

impl<'a, S> Withheld<'a, S> {
    pub(super) fn new(stream: S, responded: &'a AtomicBool) -> Self {
        Self {
            stream,
            responded,
            status: None,
        }
    }

    /// The stream, and the status of the withheld response.
    pub(super) fn into_parts(self) -> (S, Option<StatusCode>) {
        (self.stream, self.status)
    }

    /// Whether these bytes are withheld.
    fn withholds(&mut self, bytes: &[u8]) -> bool {
        if !self.responded.load(Ordering::Relaxed) && self.status.is_none() {
            // hyper uses the version of the last request: 1.0 or 1.1.
            let digits = bytes.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
            self.status = digits
                .and_then(|digits| StatusCode::from_bytes(digits).ok())
                .filter(StatusCode::is_client_error);
        }
        self.status.is_some()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Withheld<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Withheld<'_, S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.withholds(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.withholds(parts.first().map_or(&[], |part| part)) {
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once a response is completely written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.responded.store(false, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.status.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
