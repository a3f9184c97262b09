use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::config::{Invalid, is_local};

/// The environment variables that say where a credential is.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// `CREDENTIALS_DIRECTORY`, which systemd sets.
    pub credentials_directory: Option<PathBuf>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`.
    pub google_application_credentials: Option<PathBuf>,
    /// `CLOUDSDK_CONFIG`, the directory of gcloud.
    pub cloudsdk_config: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `GCE_METADATA_HOST`, a host with or without a port.
    pub gce_metadata_host: Option<String>,
}

impl Variables {
    /// Reads this process's variables. An empty one counts as unset.
    pub fn from_process() -> Self {
        let path = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            credentials_directory: path("CREDENTIALS_DIRECTORY"),
            google_application_credentials: path("GOOGLE_APPLICATION_CREDENTIALS"),
            cloudsdk_config: path("CLOUDSDK_CONFIG"),
            home: path("HOME"),
            gce_metadata_host: std::env::var("GCE_METADATA_HOST")
                .ok()
                .filter(|host| !host.is_empty()),
        }
    }
}

/// Where the credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A JSON file.
    File(PathBuf),
    /// Google's metadata server at this address.
    Metadata(Url),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file '{}'", path.display()),
            Self::Metadata(address) => write!(f, "the metadata server at {address}"),
        }
    }
}

impl Origin {
    /// Takes the first of: the flag, `$CREDENTIALS_DIRECTORY/bigquery.json`, `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's
    /// well-known file, the metadata server.
    ///
    /// A path from the flag or from `GOOGLE_APPLICATION_CREDENTIALS` is taken even if the file does not exist, so that
    /// reading it reports that. The two default places are skipped if they have no file.
    pub fn find(flag: Option<&Path>, environment: &Variables) -> Result<Self, Invalid> {
        if let Some(path) = flag {
            return Ok(Self::File(path.to_owned()));
        }
        let from_systemd = environment
            .credentials_directory
            .as_ref()
            .map(|directory| directory.join("bigquery.json"));
        if let Some(path) = from_systemd.filter(|path| may_exist(path)) {
            return Ok(Self::File(path));
        }
        if let Some(path) = &environment.google_application_credentials {
            return Ok(Self::File(path.clone()));
        }
        let gcloud = match (&environment.cloudsdk_config, &environment.home) {
            (Some(directory), _) => Some(directory.clone()),
            (None, Some(home)) => Some(home.join(".config/gcloud")),
            (None, None) => None,
        };
        let well_known = gcloud.map(|directory| directory.join("application_default_credentials.json"));
        if let Some(path) = well_known.filter(|path| may_exist(path)) {
            return Ok(Self::File(path));
        }
        let host = environment
            .gce_metadata_host
            .as_deref()
            .unwrap_or("metadata.google.internal");
        metadata_address(host).map(Self::Metadata)
    }
}

/// False only if nothing is there. If the path cannot be examined, reading it reports why.
fn may_exist(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

fn metadata_address(host: &str) -> Result<Url, Invalid> {
    let address = Url::parse(&format!("http://{host}/"))
        .ok()
        .filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
        .filter(|url| url.username().is_empty() && url.password().is_none());
    match address {
        Some(url) if is_local(&url) => Ok(url),
        Some(_) => Err(Invalid::new(format!(
            "invalid GCE_METADATA_HOST '{host}': it would carry the access token in the clear, expected a loopback, link-local or private address"
        ))),
        None => Err(Invalid::new(format!(
            "invalid GCE_METADATA_HOST '{host}': expected a host with or without a port, e.g. 169.254.169.254 or metadata.google.internal"
        ))),
    }
}
