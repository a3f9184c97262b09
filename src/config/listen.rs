use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::Invalid;

/// Where to listen: `host:port` or `unix:/absolute/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address; port 0 takes a free one.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Listen {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some(path) = text.strip_prefix("unix:") {
            // The kernel's limit, with the terminating NUL.
            if !path.starts_with('/') || path.len() > 107 || path.contains('\0') {
                return Err(Invalid::new(format!(
                    "invalid socket path '{text}': expected unix: and an absolute path of at most 107 bytes, e.g. unix:/run/wordtally/the.sock"
                )));
            }
            return Ok(Self::Unix(path.into()));
        }
        parse_tcp(text)
            .map(Self::Tcp)
            .map_err(|invalid| Invalid::new(format!("{invalid}, or unix:/path")))
    }
}

/// Reads a TCP address. `localhost` is only 127.0.0.1, whatever a resolver says: clients with both address families try
/// both.
pub fn parse_tcp(text: &str) -> Result<SocketAddr, Invalid> {
    let numeric = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
        Invalid::new(format!(
            "invalid listen address '{text}': expected an IP address and port, e.g. 127.0.0.1:8080, localhost:8080 or [::]:8080"
        ))
    })
}
