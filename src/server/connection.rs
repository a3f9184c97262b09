use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::handler::Handler;
use super::head_timeout::HeadTimeout;
use super::joined::Joined;
use super::last_words;
use super::limits::Limits;
use super::withheld::Withheld;
use super::write_stall::WriteStall;
use crate::cause::chain;

/// The most bytes of a request's head, and of a response that waits for its peer.
const BUFFER: usize = 16 * 1024;
/// The most header fields of a request.
const MAX_HEADERS: usize = 64;

/// The state of a connection, as far as a drain needs it.
#[derive(Default)]
struct Activity {
    /// A complete request has arrived, and there is no response yet.
    responding: AtomicBool,
    /// There is a response, and it is not completely written.
    responded: AtomicBool,
    /// A response waits for the peer to read it.
    stalled: AtomicBool,
    /// The next response is the last.
    closing: AtomicBool,
}

/// Marks a request as being answered until its future ends or is dropped.
struct Responding<'a>(&'a AtomicBool);

impl<'a> Responding<'a> {
    fn begin(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(flag)
    }
}

impl Drop for Responding<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Serves one connection to its end, or to the end of a drain. At most `held` bytes of responses are held back to be
/// joined.
pub(super) async fn run<S, H: Handler>(
    stream: S,
    held: usize,
    handler: &H,
    limits: Limits,
    mut draining: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + AsFd + Unpin,
{
    let activity = &Activity::default();
    let stream = WriteStall::new(stream, &limits, &activity.stalled);
    let stream = Joined::new(HeadTimeout::new(stream, limits.head_read), held);
    let io = TokioIo::new(Withheld::new(stream, &activity.responded));
    let service = service_fn(move |request| async move {
        let _responding = Responding::begin(&activity.responding);
        let last = activity.closing.load(Ordering::Relaxed);
        let response = handler.respond(request, last).await;
        activity.responded.store(true, Ordering::Relaxed);
        Ok::<_, Infallible>(response)
    });
    let mut connection = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER)
        .auto_date_header(false)
        // A client may close its sending side and still wait for its response.
        .half_close(true)
        // With it, hyper buffers responses without limit while a peer sends requests and does not read, and drops
        // buffered responses if the next request is malformed. `Joined` does neither.
        .pipeline_flush(false)
        .serve_connection(io, service);
    let drain = async { draining.wait_for(|draining| *draining).await.is_ok() };
    let mut ended = tokio::select! {
        biased;
        ended = Pin::new(&mut connection) => Some(ended),
        _ = drain => None,
    };
    if ended.is_none() {
        // A request that is already on its way is still answered, with the notice that it is the last.
        activity.closing.store(true, Ordering::Relaxed);
        ended = tokio::time::timeout(limits.last_requests, Pin::new(&mut connection))
            .await
            .ok();
    }
    let ended = match ended {
        Some(ended) => ended,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            // hyper would wait for the rest of a half-sent head; such a request gets no response.
            poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
                Poll::Pending if !activity.owes() => Poll::Ready(Ok(())),
                polled => polled,
            })
            .await
        }
    };
    // hyper gives up at a preface of HTTP/2 without a response.
    let is_http2 = matches!(&ended, Err(error) if error.is_parse_version_h2());
    let unanswered = is_http2.then_some(StatusCode::BAD_REQUEST);
    if let Err(error) = ended {
        tracing::debug!(cause = chain(&error), "connection ended early");
    }
    let (mut stream, withheld) = connection.into_parts().io.into_inner().into_parts();
    if let Some(status) = withheld.or(unanswered) {
        // Boxed, so that connections that end normally do not need space for it.
        let last = Box::pin(last_words::say(&mut stream, handler.unreadable(status)));
        if let Err(error) = last.await {
            tracing::debug!(cause = chain(&error), "connection ended early");
        }
    }
}

impl Activity {
    fn owes(&self) -> bool {
        self.responding.load(Ordering::Relaxed) || self.stalled.load(Ordering::Relaxed)
    }
}
