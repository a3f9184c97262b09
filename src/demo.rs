//! The whole service on one machine: the stand-in for BigQuery, an instance per word, and a page of links.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bigquery_standin::{Options, Standin};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE};
use hyper::{Request, Response, StatusCode};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::level_filters::LevelFilter;

use crate::cli::{self, DemoArgs};
use crate::config::{Config, Invalid, Listen, LogFormat, Word};
use crate::instance::Instance;
use crate::render::{Listed, State, content_security_policy, html, index_page};
use crate::server::{self, Handler, Limits, Listener};
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
    telemetry::init(LogFormat::Text, LevelFilter::WARN)?;
    start(args).await.map_err(io::Error::other)
}

async fn start(args: DemoArgs) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stop = shutdown::requested()?;
    let index = Listener::open(&Listen::Tcp(args.listen))?;
    let standin = Standin::start(Options::new(Arc::new(bigquery_standin::data::shipped()?))).await?;
    // The key is good at this stand-in only, and only while it runs.
    let folder = tempfile::tempdir()?;
    let credentials = folder.path().join("bigquery.json");
    let key = standin.create_service_account(ACCOUNT, PROJECT)?;
    standin.allow(&key.member(), PROJECT, DATASET);
    key.write_new(&credentials, &standin.token_uri())?;

    let draining = watch::Sender::new(false);
    let mut running = JoinSet::new();
    let mut links = Vec::new();
    for (number, word) in args.words.into_iter().enumerate() {
        let address = next_port(args.listen, number)?;
        let instance = Instance::open(config(word.clone(), address, &credentials, standin.url())?).await?;
        links.push((word.to_string(), format!("http://{}/", instance.local_address()?)));
        running.spawn(instance.serve(begun(&draining)));
    }
    let ready = format!("http://{}/", index.local_address()?);
    let listed: Vec<Listed> = links
        .iter()
        .map(|(word, url)| Listed {
            word: word.clone(),
            url: url.clone(),
            state: State::Unavailable,
        })
        .collect();
    let (_, page) = index_page(&listed, &html::FORMAT);
    let page = Arc::new(Index(page));
    let drain = begun(&draining);
    running.spawn(async move {
        server::serve(index, page, Limits::default(), drain)
            .await
            .map(drop)
    });
    for (_, url) in &links {
        probe::probe(url).await?;
    }
    announce(&ready, &links)?;
    stop.await;
    draining.send_replace(true);
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    standin.shutdown().await;
    Ok(())
}

/// Ends when the drain begins.
fn begun(draining: &watch::Sender<bool>) -> impl Future<Output = ()> + use<> {
    let mut draining = draining.subscribe();
    async move { drop(draining.wait_for(|draining| *draining).await) }
}

/// What an instance beside the stand-in is configured with; everything else is `serve`'s default.
fn config(word: Word, listen: SocketAddr, credentials: &Path, endpoint: &str) -> Result<Config, Invalid> {
    Ok(Config {
        listen: Listen::Tcp(listen),
        credentials: Some(credentials.to_owned()),
        bigquery_endpoint: endpoint.parse()?,
        ..cli::defaults(word)?
    })
}

/// The instances' ports follow the index page's, or are free ones if that is one.
fn next_port(index: SocketAddr, number: usize) -> Result<SocketAddr, String> {
    if index.port() == 0 {
        return Ok(index);
    }
    let port = u16::try_from(number)
        .ok()
        .and_then(|number| index.port().checked_add(number)?.checked_add(1));
    let port = port.ok_or("too many words: the ports end at 65535")?;
    Ok(SocketAddr::new(index.ip(), port))
}

/// The page of links.
struct Index(Bytes);

impl Handler for Index {
    async fn respond(&self, request: Request<Incoming>, _: bool) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.0.clone()));
        if request.uri().path() != "/" {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        let headers = response.headers_mut();
        headers.insert(DATE, server::date());
        headers.insert(CONTENT_TYPE, html::FORMAT.header());
        headers.insert(CONTENT_SECURITY_POLICY, content_security_policy());
        response
    }

    fn unreadable(&self, status: StatusCode) -> Response<Full<Bytes>> {
        let mut response = Response::default();
        *response.status_mut() = status;
        response
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
