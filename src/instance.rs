//! One instance, assembled: BigQuery fills the cache, and the server reads it.

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

/// An instance with its credential and its socket, ready to serve.
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
    /// Checks what [`Instance::open`] would use, without opening anything.
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

    /// Checks the credential, then opens the socket.
    ///
    /// # Errors
    ///
    /// One sentence: which value, file or address is bad, and what would be right.
    pub async fn open(config: Config) -> Result<Self, Invalid> {
        Self::on(config, Listener::open).await
    }

    /// Checks the credential, then opens the socket with `socket`.
    ///
    /// # Errors
    ///
    /// The same as [`Instance::open`].
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

    /// The same instance, with links on its page to others.
    #[must_use]
    pub fn beside(mut self, site: Source) -> Self {
        self.site = Some(site);
        self
    }

    /// The address with its real port.
    ///
    /// # Errors
    ///
    /// The kernel's error, if the socket is broken.
    pub fn local_address(&self) -> io::Result<Listen> {
        self.listener.local_address()
    }

    /// Serves until `shutdown` ends, and then until the drain has ended.
    ///
    /// # Errors
    ///
    /// Only if the runtime cannot take the socket, before anything is served.
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
        // The thread beside the server ends with it. Whatever an upstream sends costs the server's thread nothing:
        // reading, parsing and rendering happen on another thread.
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

/// The site that the configuration names, if its file is valid now.
fn site(config: &Config) -> Result<Option<Source>, Invalid> {
    let Some(path) = &config.site else {
        return Ok(None);
    };
    Site::read(path)?;
    Ok(Some(Source::file(path.clone())))
}

/// Tells systemd that the service is up once the first refresh has ended, successfully or not. So a restart of many
/// instances continues when this one can answer, and does not hang while BigQuery is down.
async fn announce(cache: Arc<Cache>, limits: Limits) {
    cache.attempted(limits.first_answer).await;
    match cache.lookup() {
        Lookup::Found(..) => systemd::ready("serving"),
        Lookup::Missing { reason, .. } => {
            systemd::ready(reason.map_or("no answer yet", |reason| reason.sentence()));
        }
    }
}
