//! The list of all words with their totals, which it asks of their instances again and again.

mod ask;
mod rounds;

use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Invalid, Listen};
use crate::runtime;
use crate::server::{self, IndexService, Limits, Listener};
use crate::site::{Site, Source};
use crate::systemd;

/// An index that has its list of words and its socket and is about to serve.
#[derive(Debug)]
pub struct Index {
    source: Source,
    site: Site,
    listener: Listener,
}

impl Index {
    /// Reads the list of words, then takes the socket.
    ///
    /// # Errors
    ///
    /// One sentence: what is wrong with the file or the address, and what would be right.
    pub async fn open(listen: &Listen, source: Source) -> Result<Self, Invalid> {
        let site = source.read().await?;
        let listener = Listener::open(listen).map_err(|error| Invalid::new(error.to_string()))?;
        Ok(Self::new(listener, source, site))
    }

    /// An index over a socket that was taken before.
    pub fn new(listener: Listener, source: Source, site: Site) -> Self {
        Self {
            source,
            site,
            listener,
        }
    }

    /// Serves until `shutdown` ends, and then until the drain has.
    ///
    /// # Errors
    ///
    /// Only if the runtime can't take the socket, before anything is served.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let address = self.listener.local_address()?;
        let limits = Limits::within(server::raise_descriptor_limit());
        let shown = Arc::new(watch::Sender::new(None));
        let service = Arc::new(IndexService::new(shown.subscribe(), rounds::PAUSE));
        tracing::info!(
            words = self.site.places.len(),
            address = %address,
            connections = limits.connections,
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        let mut first = shown.subscribe();
        // What runs beside the server ends with it. To render a long list would hold up who serves.
        let _rounds = runtime::beside("rounds", rounds::run(self.source, self.site, shown))?;
        let mut beside = JoinSet::new();
        beside.spawn(systemd::watchdog());
        beside.spawn(async move {
            if first.wait_for(Option::is_some).await.is_ok() {
                systemd::ready("serving");
            }
        });
        server::serve(self.listener, service, limits, systemd::stopping_at(shutdown)).await?;
        Ok(())
    }
}
