//! One instance, wired: BigQuery fills the cache, the server reads it.

use std::io;
use std::sync::Arc;

use crate::bigquery::BigQuery;
use crate::cache::{Cache, Lookup};
use crate::config::{Config, Invalid, Listen, Origin, Word};
use crate::credentials::Variables;
use crate::server::{self, Limits, Listener, Service};
use crate::site::{Neighbourhood, Site, Source};
use crate::telemetry::Metrics;
use crate::{refresh, reload, runtime, systemd};

/// An instance that has its credential and its socket and is about to serve.
#[derive(Debug)]
pub struct Instance {
    word: Word,
    cors_origins: Vec<Origin>,
    cache: Arc<Cache>,
    bigquery: Arc<BigQuery>,
    metrics: Arc<Metrics>,
    listener: Listener,
    site: Option<Source>,
}

impl Instance {
    /// Checks what [`Instance::open`] would use, and opens nothing.
    ///
    /// # Errors
    ///
    /// One sentence: which value or file is bad, and what would be right.
    pub async fn check(config: &Config) -> Result<(), Invalid> {
        let metrics = Arc::new(Metrics::new(config.ttl));
        BigQuery::new(config, &Variables::from_process(), metrics)
            .await
            .map(drop)?;
        site(config).map(drop)
    }

    /// Checks the credential, then takes the socket.
    ///
    /// # Errors
    ///
    /// One sentence: which value, file or address is bad, and what would be right.
    pub async fn open(config: Config) -> Result<Self, Invalid> {
        Self::on(config, Listener::open).await
    }

    /// Checks the credential, then takes the socket that it is given for the address.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn on(
        config: Config,
        socket: impl FnOnce(&Listen) -> io::Result<Listener>,
    ) -> Result<Self, Invalid> {
        let metrics = Arc::new(Metrics::new(config.ttl));
        let bigquery = BigQuery::new(&config, &Variables::from_process(), Arc::clone(&metrics)).await?;
        let site = site(&config)?;
        let listener = socket(&config.listen).map_err(|error| Invalid::new(error.to_string()))?;
        Ok(Self {
            word: config.word,
            cors_origins: config.cors_origins,
            cache: Arc::new(Cache::new(config.ttl, config.max_stale)),
            bigquery: Arc::new(bigquery),
            metrics,
            listener,
            site,
        })
    }

    /// The same, beside others: its page links to them.
    #[must_use]
    pub fn beside(mut self, site: Source) -> Self {
        self.site = Some(site);
        self
    }

    /// The address with its real port.
    ///
    /// # Errors
    ///
    /// The kernel's own, if the socket is broken.
    pub fn local_address(&self) -> io::Result<Listen> {
        self.listener.local_address()
    }

    /// Serves until `shutdown` ends, and then until the drain has.
    ///
    /// # Errors
    ///
    /// Only if the runtime can't take the socket, before anything is served.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let address = self.local_address()?;
        let limits = Limits::within(server::raise_descriptor_limit());
        let cache = self.cache;
        let service = Arc::new(Service::new(
            Arc::clone(&cache),
            Arc::clone(&self.metrics),
            &limits,
            &self.word,
            &self.cors_origins,
        ));
        let site = self
            .site
            .map(|source| Neighbourhood::new(source, self.word.clone(), Some(address.clone())));
        let early = Arc::default();
        let reload = reload::at_hangup(Arc::clone(&self.bigquery), Arc::clone(&early))?;
        let refresh = refresh::run(self.bigquery, Arc::clone(&cache), self.metrics, early, site);
        // What runs beside the server ends with it. What an upstream sends costs the server's thread nothing, whatever
        // it is: reading, parsing and laying out happen on another.
        let _refresh = runtime::beside("refresh", refresh)?;
        let mut beside = tokio::task::JoinSet::new();
        beside.spawn(reload);
        beside.spawn(systemd::watchdog());
        beside.spawn(announce(cache, limits));
        tracing::info!(
            word = %self.word,
            address = %address,
            connections = limits.connections,
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        server::serve(self.listener, service, limits, systemd::stopping_at(shutdown)).await?;
        Ok(())
    }
}

/// The site that the configuration names, if its file is good now.
fn site(config: &Config) -> Result<Option<Source>, Invalid> {
    let Some(path) = &config.site else {
        return Ok(None);
    };
    Site::read(path)?;
    Ok(Some(Source::file(path.clone())))
}

/// Tells systemd that the service is up once the first refresh has ended, well or not: so a restart of many
/// instances goes on when this one can answer, and does not hang while BigQuery is down.
async fn announce(cache: Arc<Cache>, limits: Limits) {
    cache.attempted(limits.first_answer).await;
    match cache.lookup() {
        Lookup::Found(..) => systemd::ready("serving"),
        Lookup::Missing { reason, .. } => {
            systemd::ready(reason.map_or("no answer yet", |reason| reason.sentence()));
        }
    }
}
