use std::fmt;
use std::str::FromStr;

use url::Url;

use super::Invalid;

/// BigQuery's REST address, such as `https://bigquery.googleapis.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The base of version 2 of the API, without a trailing slash.
    pub fn v2(&self) -> Url {
        let mut base = self.0.clone();
        // Only an address that cannot have a path refuses this; an http address can have one.
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty().extend(["bigquery", "v2"]);
        }
        base
    }

    /// Whether the address is plain http, so that no certificates are needed.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for Endpoint {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refused = || {
            Invalid::new(format!(
                "invalid BigQuery endpoint '{text}': expected an http or https address without user, query or fragment, e.g. https://bigquery.googleapis.com"
            ))
        };
        let url = Url::parse(text).map_err(|_| refused())?;
        let plain_address = url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !plain_address || !matches!(url.scheme(), "http" | "https") {
            return Err(refused());
        }
        // A bearer token may be sent unencrypted only to the stand-in on this machine or its network.
        if url.scheme() == "http" && !is_local(&url) {
            return Err(Invalid::new(format!(
                "invalid BigQuery endpoint '{text}': it would carry the access token in the clear, expected https, or http on a loopback or private address"
            )));
        }
        Ok(Self(url))
    }
}

/// Whether an address is on this machine or its private network, where a token may be sent unencrypted. Only names that
/// mean such an address everywhere count; any other name is whatever the resolver's search list makes of it.
pub(crate) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Some(url::Host::Domain(name)) => matches!(
            name.strip_suffix('.').unwrap_or(name),
            "localhost" | "metadata" | "metadata.google.internal"
        ),
        None => false,
    }
}
