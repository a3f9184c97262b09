//! The list of all words with their totals, which it requests from their instances repeatedly.

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

/// An index with its list of words and its socket, ready to serve.
#[derive(Debug)]
pub struct Index {
    source: Source,
    site: Site,
    listener: Listener,
}

impl Index {
    /// Reads the list of words, then opens the socket.
    ///
    /// # Errors
    ///
    /// One sentence: what is wrong with the file or the address, and what would be right.
    pub async fn open(listen: &Listen, source: Source) -> Result<Self, Invalid> {
        let site = source.read().await?;
        let listener = Listener::open(listen).map_err(|error| Invalid::new(error.to_string()))?;
        Ok(Self::new(listener, source, site))
    }

    /// An index on an open socket.
    pub fn new(listener: Listener, source: Source, site: Site) -> Self {
        Self {
            source,
            site,
            listener,
        }
    }

    /// Serves until `shutdown` ends, and then until the drain has ended.
    ///
    /// # Errors
    ///
    /// Only if the runtime cannot take the socket, before anything is served.
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
        // The thread beside the server ends with it. Rendering a long list on the server's thread would delay
        // responses.
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
