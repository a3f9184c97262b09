//! The HTTP client for Google: one set of TLS rules, limits on time and size, no redirects, no proxies.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};

use crate::config::Invalid;

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);

/// Why a response's body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("a body of more than {0} bytes")]
    TooLong(usize),
    #[error("an incomplete body")]
    Broken(#[source] reqwest::Error),
}

/// A response's body, if it has at most this many bytes. A body that is announced as longer is not read at all.
pub(crate) async fn body(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, BodyError> {
    let announced = response.content_length().unwrap_or_default();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > most {
        return Err(BodyError::TooLong(most));
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + chunk.len() > most {
            return Err(BodyError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The destination of a failed request: only scheme, host and port, because the rest may contain a secret.
pub(crate) fn origin(error: &reqwest::Error) -> String {
    error.url().map_or_else(
        || "an unknown address".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

/// The TLS configuration, created once. The system's certificates are read when an https address first needs them.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    native: OnceLock<ClientConfig>,
}

impl Transport {
    /// A client whose every request, body included, ends within the limit. A plain client is for http addresses and
    /// needs no certificates on this machine.
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
        // The system has many certificates, and rustls may not be able to read some of them.
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let error = found.errors.first().map(|error| format!(" ({error})"));
            return Err(Invalid::new(format!(
                "an https address needs CA certificates, and this machine has none{}: install them or set SSL_CERT_FILE",
                error.unwrap_or_default()
            )));
        }
        let config = versions.with_root_certificates(roots).with_no_client_auth();
        Ok(self.native.get_or_init(|| config).clone())
    }
}
