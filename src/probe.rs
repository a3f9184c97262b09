//! Asks an instance whether it is healthy: the health check of a container without a shell.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use url::Url;

use crate::client;

/// How long a probe may take in total.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where to ask.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Tcp { host: String, port: u16, path: String },
    Unix { socket: String, path: String },
}

/// Requests `http://host:port/path`, or `unix:/socket:/path`, and succeeds on a 200 within 5 seconds.
///
/// # Errors
///
/// One sentence: the address that cannot be used, or what came instead of a 200.
pub async fn probe(url: &str) -> Result<(), String> {
    let target = parse(url)?;
    let asked = tokio::time::timeout(TIMEOUT, ask(&target)).await;
    match asked {
        Err(_) => Err(format!(
            "{url} did not answer within {} seconds",
            TIMEOUT.as_secs()
        )),
        Ok(Err(error)) => Err(format!("{url} cannot be asked: {error}")),
        Ok(Ok(StatusCode::OK)) => Ok(()),
        Ok(Ok(status)) => Err(format!("{url} answered {status} instead of 200")),
    }
}

fn parse(text: &str) -> Result<Target, String> {
    let refused = || {
        format!(
            "invalid address to probe '{text}': expected http://host:port/path or unix:/path/to/socket:/path, e.g. http://127.0.0.1:8080/readyz"
        )
    };
    if let Some(rest) = text.strip_prefix("unix:") {
        // The last occurrence splits, because a socket's path may contain `:/` and our routes never do.
        let (socket, path) = rest.rsplit_once(":/").ok_or_else(refused)?;
        let target = format!("/{path}");
        if !socket.starts_with('/') || target.parse::<hyper::Uri>().is_err() {
            return Err(refused());
        }
        return Ok(Target::Unix {
            socket: socket.to_owned(),
            path: target,
        });
    }
    let url = Url::parse(text).map_err(|_| refused())?;
    let host = url.host_str().ok_or_else(refused)?;
    let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    if !plain {
        return Err(refused());
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Target::Tcp {
        host: host.to_owned(),
        port: url.port_or_known_default().unwrap_or(80),
        path: format!("{}{query}", url.path()),
    })
}

async fn ask(target: &Target) -> io::Result<StatusCode> {
    match target {
        Target::Tcp { host, port, path } => {
            // An IPv6 address has brackets in a URL and in Host, and none in a socket address.
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let stream = TcpStream::connect((bare, *port)).await?;
            status(stream, &format!("{host}:{port}"), path).await
        }
        Target::Unix { socket, path } => status(UnixStream::connect(socket).await?, "localhost", path).await,
    }
}

async fn status<S>(stream: S, host: &str, path: &str) -> io::Result<StatusCode>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = Request::get(path)
        .header(HOST, host)
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    client::exchange(stream, request, async |response| Ok(response.status())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds_of_address() {
        assert_eq!(
            parse("http://[::1]:8080/readyz?x=1"),
            Ok(Target::Tcp {
                host: "[::1]".to_owned(),
                port: 8080,
                path: "/readyz?x=1".to_owned()
            })
        );
        assert_eq!(
            parse("unix:/run/a:/b.sock:/readyz"),
            Ok(Target::Unix {
                socket: "/run/a:/b.sock".to_owned(),
                path: "/readyz".to_owned()
            })
        );
    }

    #[test]
    fn refuses_what_it_cannot_ask() {
        for bad in [
            "",
            "127.0.0.1:80",
            "https://a/",
            "http://u:p@a/",
            "unix:/a.sock",
            "unix:a:/x",
            "unix:/a:/ x",
        ] {
            let sentence = parse(bad).unwrap_err();
            assert!(sentence.contains("invalid address to probe"), "{bad}: {sentence}");
        }
    }
}
