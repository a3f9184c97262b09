use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes of responses that one TCP connection holds back.
pub(super) const MOST_ON_TCP: usize = 64 * 1024;
/// The same for a Unix socket, whose kernel buffer is freed in whole writes: a larger write would hide that a slow peer
/// keeps reading.
pub(super) const MOST_ON_UNIX: usize = 8 * 1024;
/// The most connections that hold responses back at the same time. Any other connection writes each response
/// separately.
const HOLDERS: usize = 32;

static HOLDING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The last buffer that was released. A batch of requests is answered without a pause, and an allocator that
    /// returns memory would return the same pages, zeroed, for each batch.
    static SPARE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A stream that joins the responses to pipelined requests into one write.
///
/// The first response after a read is written immediately. The following responses, if there was no read in between,
/// belong to requests that arrived together with its request. They are held back, up to a limit, and written before the
/// next read or wait.
pub(super) struct Joined<S> {
    stream: S,
    /// The most bytes that are held back.
    most: usize,
    held: Option<Held>,
    /// A response was written and not yet flushed.
    written: bool,
    /// A response has been flushed since the last read.
    responded: bool,
}

struct Held {
    bytes: Vec<u8>,
    sent: usize,
}

impl Held {
    /// None if too many connections already hold responses back.
    fn begin(most: usize) -> Option<Self> {
        let begun = HOLDING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |holding| {
            (holding < HOLDERS).then_some(holding + 1)
        });
        begun.ok().map(|_| {
            let mut bytes = SPARE.take();
            bytes.clear();
            bytes.reserve_exact(most);
            Self { bytes, sent: 0 }
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HOLDING.fetch_sub(1, Ordering::Relaxed);
        let _ = SPARE.try_with(|spare| spare.replace(std::mem::take(&mut self.bytes)));
    }
}

impl<S> Joined<S> {
    pub(super) fn new(stream: S, most: usize) -> Self {
        Self {
            stream,
            most,
            held: None,
            written: false,
            responded: false,
        }
    }
}

impl<S: AsyncWrite + Unpin> Joined<S> {
    /// Writes the bytes that are held back.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(held) = &mut self.held else {
            return Poll::Ready(Ok(()));
        };
        while let Some(rest) = held.bytes.get(held.sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => held.sent += length,
            }
        }
        self.held = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Whether this many bytes are to be held back. If there is no room for them, the held bytes are written first.
    fn poll_holds(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<io::Result<bool>> {
        self.written = true;
        if !self.responded {
            return Poll::Ready(Ok(false));
        }
        if self
            .held
            .as_ref()
            .is_some_and(|held| held.sent > 0 || held.bytes.len() + length > self.most)
        {
            ready!(self.poll_held(cx))?;
        }
        if self.held.is_none() && length <= self.most {
            self.held = Held::begin(self.most);
        }
        Poll::Ready(Ok(self.held.is_some()))
    }

    fn hold(&mut self, bytes: &[u8]) {
        if let Some(held) = &mut self.held {
            held.bytes.extend_from_slice(bytes);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Joined<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_held(cx))?;
        self.responded = false;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Joined<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if ready!(self.poll_holds(cx, bytes.len()))? {
            self.hold(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        if ready!(self.poll_holds(cx, length))? {
            for part in parts {
                self.hold(part);
            }
            return Poll::Ready(Ok(length));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once a response is completely written, and again before it waits for anything but a read.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.written) {
            self.responded = true;
            if self.held.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        ready!(self.poll_held(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_held(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
