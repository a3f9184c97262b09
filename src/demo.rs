//! The whole service on one machine: the stand-in for BigQuery, an instance per word, and a page of links.

use std::convert::Infallible;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigquery_standin::{Options, Standin};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::level_filters::LevelFilter;

use crate::cli::{self, DemoArgs};
use crate::config::{Config, Invalid, Listen, LogFormat, LogLevel, Word};
use crate::instance::Instance;
use crate::render::{content_security_policy, html, index_page};
use crate::{probe, shutdown, telemetry};

const PROJECT: &str = "demo-project";
const ACCOUNT: &str = "wordtally@demo-project.iam.gserviceaccount.com";
const DATASET: &str = "bigquery-public-data.samples";

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
///
/// What could not be started, and why.
pub async fn run(args: DemoArgs) -> io::Result<()> {
    telemetry::init(LogFormat::Text, LevelFilter::WARN);
    start(args).await.map_err(io::Error::other)
}

async fn start(args: DemoArgs) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stop = shutdown::requested()?;
    let index = TcpListener::bind(args.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", args.listen))?;
    let standin = Standin::start(Options::new(Arc::new(bigquery_standin::data::shipped()?))).await?;
    // The key is good at this stand-in only, and only while it runs.
    let folder = tempfile::tempdir()?;
    let credentials = folder.path().join("bigquery.json");
    let key = standin.create_service_account(ACCOUNT, PROJECT)?;
    standin.allow(&key.member(), PROJECT, DATASET);
    write_private(&credentials, &key.to_json(&standin.token_uri()))?;

    let draining = watch::Sender::new(false);
    let mut running = JoinSet::new();
    let mut links = Vec::new();
    for (number, word) in args.words.into_iter().enumerate() {
        let address = next_port(index.local_addr()?, args.listen, number)?;
        let instance = Instance::open(config(word.clone(), address, &credentials, standin.url())?).await?;
        links.push((word.to_string(), format!("http://{}/", instance.local_address()?)));
        let mut stop = draining.subscribe();
        running.spawn(async move {
            instance
                .serve(async move { drop(stop.wait_for(|draining| *draining).await) })
                .await
        });
    }
    let ready = format!("http://{}/", index.local_addr()?);
    let pages = tokio::spawn(serve_index(index, index_page(&links)));
    for (_, url) in &links {
        probe::probe(url).await?;
    }
    announce(&ready, &links)?;
    stop.await;
    draining.send_replace(true);
    pages.abort();
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    standin.shutdown().await;
    Ok(())
}

/// What an instance beside the stand-in is configured with; everything else is `serve`'s default.
fn config(word: Word, listen: SocketAddr, credentials: &Path, endpoint: &str) -> Result<Config, Invalid> {
    Ok(Config {
        listen: Listen::Tcp(listen),
        credentials: Some(credentials.to_owned()),
        bigquery_endpoint: endpoint.parse()?,
        log_format: LogFormat::Text,
        log_level: LogLevel::Warn,
        ..cli::defaults(word)?
    })
}

/// The instances' ports follow the index page's, or are free ones if that was to be.
fn next_port(index: SocketAddr, asked: SocketAddr, number: usize) -> Result<SocketAddr, String> {
    if asked.port() == 0 {
        return Ok(asked);
    }
    let port = u16::try_from(number)
        .ok()
        .and_then(|number| index.port().checked_add(number)?.checked_add(1));
    let port = port.ok_or("too many words: the ports end at 65535")?;
    Ok(SocketAddr::new(index.ip(), port))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}

async fn serve_index(listener: TcpListener, page: Bytes) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: trying at once would spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let page = page.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut response = Response::new(Full::new(page.clone()));
            if request.uri().path() != "/" {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            response.headers_mut().insert(CONTENT_TYPE, html::FORMAT.header());
            response
                .headers_mut()
                .insert(CONTENT_SECURITY_POLICY, content_security_policy());
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(10))
            .serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(async move { drop(connection.await) });
    }
}

fn announce(index: &str, links: &[(String, String)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "wordtally serves, from a stand-in for BigQuery with data of its own:"
    )?;
    for (word, url) in links {
        writeln!(out, "  {url}  {word}")?;
    }
    writeln!(out, "All of them: {index}   Stop: Ctrl-C")?;
    out.flush()
}
