use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::connection;
use super::handler::Handler;
use super::joined::{MOST_ON_TCP, MOST_ON_UNIX};
use super::limits::Limits;
use super::listener::{Listener, Stream};
use crate::cause::chain;

/// The pause after the kernel refused to accept, for example without free file descriptors: an immediate retry would
/// spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were open when it began.
    pub open: usize,
    /// Connections that were still open at its deadline and were cut.
    pub cut: usize,
}

/// Serves until `shutdown` ends, then drains: accepts no new connections, answers the requests that have arrived, and
/// closes the rest.
///
/// # Errors
///
/// Only if the runtime cannot take the socket, before anything is served.
pub async fn serve<H: Handler>(
    listener: Listener,
    handler: Arc<H>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Drained> {
    let acceptor = listener.start()?;
    let mut connections = Connections {
        tasks: JoinSet::new(),
        draining: watch::Sender::new(false),
        handler,
        limits,
    };
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.tasks.join_next() => note(ended),
            accepted = acceptor.accept() => match accepted {
                Ok(stream) => connections.admit(stream),
                Err(error) if is_one_peers(&error) => {}
                Err(error) => {
                    tracing::warn!(cause = chain(&error), "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    acceptor.close(|stream| connections.admit(stream));
    let drained = connections.drain().await;
    tracing::info!(open = drained.open, cut = drained.cut, "drained");
    Ok(drained)
}

/// Whether the error concerns only the connection that was being accepted.
fn is_one_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(cause = chain(&error), "a connection's task panicked");
    }
}

struct Connections<H> {
    tasks: JoinSet<()>,
    draining: watch::Sender<bool>,
    handler: Arc<H>,
    limits: Limits,
}

impl<H: Handler> Connections<H> {
    /// Serves the connection, or closes it if too many are open. A connection that is left waiting would look like a
    /// dead service to its client, and to a health check, for as long as the others stay open.
    fn admit(&mut self, stream: Stream) {
        if self.tasks.len() >= self.limits.connections {
            self.handler.refused();
            return;
        }
        let handler = Arc::clone(&self.handler);
        let (limits, draining) = (self.limits, self.draining.subscribe());
        self.tasks.spawn(async move {
            let _open = Open::count(&*handler);
            match stream {
                Stream::Tcp(stream) => {
                    connection::run(stream, MOST_ON_TCP, &*handler, limits, draining).await
                }
                Stream::Unix(stream) => {
                    connection::run(stream, MOST_ON_UNIX, &*handler, limits, draining).await
                }
            }
        });
    }

    async fn drain(mut self) -> Drained {
        let open = self.tasks.len();
        self.draining.send_replace(true);
        let ended = tokio::time::timeout(self.limits.drain, async {
            while let Some(ended) = self.tasks.join_next().await {
                note(ended);
            }
        });
        let _ = ended.await;
        let cut = self.tasks.len();
        self.tasks.shutdown().await;
        Drained { open, cut }
    }
}

/// Counts a connection as open until this is dropped.
struct Open<'a, H: Handler>(&'a H);

impl<'a, H: Handler> Open<'a, H> {
    fn count(handler: &'a H) -> Self {
        handler.opened();
        Self(handler)
    }
}

impl<H: Handler> Drop for Open<'_, H> {
    fn drop(&mut self) {
        self.0.closed();
    }
}
