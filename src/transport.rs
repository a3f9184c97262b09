//! Builds the HTTP clients that reach Google: one set of TLS rules, limits on time, no redirects, no proxies.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use yup_oauth2::CustomHyperClientBuilder;
use yup_oauth2::hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};

use crate::config::Invalid;

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);

/// The client that yup-oauth2 sends its requests with.
pub(crate) type TokenClient = CustomHyperClientBuilder<HttpsConnector<HttpConnector>>;

/// The TLS configuration, made once. The system's certificates are read when an https address first needs them.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    native: OnceLock<ClientConfig>,
}

impl Transport {
    /// A client for yup-oauth2. A plain one speaks to http addresses and needs no certificates on this machine.
    pub(crate) fn token_client(&self, plain: bool) -> Result<TokenClient, Invalid> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls(plain)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            // A token is fetched about once an hour: a kept connection would be a dead one.
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(client.into())
    }

    /// A reqwest client whose every request ends within the limit, body included.
    pub(crate) fn client(&self, plain: bool, limit: Duration) -> Result<reqwest::ClientBuilder, Invalid> {
        Ok(reqwest::Client::builder()
            .use_preconfigured_tls(self.tls(plain)?)
            .https_only(!plain)
            .user_agent(concat!("wordtally/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT.min(limit))
            .timeout(limit)
            .no_proxy())
    }

    fn tls(&self, plain: bool) -> Result<ClientConfig, Invalid> {
        if let Some(config) = self.native.get().filter(|_| !plain) {
            return Ok(config.clone());
        }
        let versions =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| Invalid::new(format!("TLS cannot be set up: {error}")))?;
        if plain {
            let roots = RootCertStore::empty();
            return Ok(versions.with_root_certificates(roots).with_no_client_auth());
        }
        let config = versions
            .with_native_roots()
            .map_err(|error| {
                Invalid::new(format!(
                    "an https address needs CA certificates, and this machine has none ({error}): install them or set SSL_CERT_FILE"
                ))
            })?
            .with_no_client_auth();
        Ok(self.native.get_or_init(|| config).clone())
    }
}
