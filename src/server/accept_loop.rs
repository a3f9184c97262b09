use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::connection;
use super::limits::Limits;
use super::listener::{Listener, Stream};
use super::service::Service;

/// The pause after the kernel refused to accept, such as out of file descriptors: trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were open when it began.
    pub open: usize,
    /// Connections that were still open at its deadline and were cut.
    pub cut: usize,
}

/// Serves until `shutdown` ends, then drains: takes no new connections, answers the requests that have
/// come, closes the rest.
///
/// # Errors
///
/// Only if the runtime can't take the socket, before anything is served.
pub async fn serve(
    listener: Listener,
    service: Arc<Service>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Drained> {
    let acceptor = listener.start()?;
    let mut connections = Connections {
        tasks: JoinSet::new(),
        draining: watch::Sender::new(false),
        service,
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
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    for stream in acceptor.close() {
        connections.admit(stream);
    }
    Ok(connections.drain().await)
}

/// Whether the error is about the one connection that was to be accepted.
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
        tracing::error!(%error, "a connection's task panicked");
    }
}

struct Connections {
    tasks: JoinSet<()>,
    draining: watch::Sender<bool>,
    service: Arc<Service>,
    limits: Limits,
}

impl Connections {
    /// Serves the connection, or closes it if too many are open. To leave it waiting instead would look
    /// to its client, and to a health check, like a dead service, for as long as the others care to stay.
    fn admit(&mut self, stream: Stream) {
        if self.tasks.len() >= self.limits.connections {
            self.service.metrics.connections_refused.inc();
            return;
        }
        let service = Arc::clone(&self.service);
        let (limits, draining) = (self.limits, self.draining.subscribe());
        self.tasks.spawn(async move {
            let _open = Open::count(&service);
            match stream {
                Stream::Tcp(stream) => connection::run(stream, &service, limits, draining).await,
                Stream::Unix(stream) => connection::run(stream, &service, limits, draining).await,
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

/// Counts a connection as open until it is dropped.
struct Open<'a>(&'a Service);

impl<'a> Open<'a> {
    fn count(service: &'a Service) -> Self {
        service.metrics.connections.inc();
        Self(service)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.metrics.connections.dec();
    }
}
