//! The whole service on one machine: the stand-in for BigQuery, an instance per word, and an index.

mod sockets;

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigquery_standin::{Options, Standin};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;

use crate::cli::{self, DemoArgs};
use crate::config::{Config, Invalid, Listen, LogFormat, Word};
use crate::index::Index;
use crate::instance::Instance;
use crate::server::Listener;
use crate::site::{Link, Place, Site, Source};
use crate::{probe, shutdown, telemetry};

use sockets::Hosts;

/// How often a page that is not available yet is requested again.
const MOST_TRIES: u32 = 5;
const PROJECT: &str = "demo-project";
const ACCOUNT: &str = "wordtally@demo-project.iam.gserviceaccount.com";
const DATASET: &str = "bigquery-public-data.samples";

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
///
/// The part that could not be started, and why.
pub async fn run(args: DemoArgs) -> io::Result<()> {
    telemetry::init(LogFormat::Text, LevelFilter::WARN)?;
    start(args).await.map_err(io::Error::other)
}

async fn start(args: DemoArgs) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stop = shutdown::requested()?;
    let mut sockets = sockets::open(args.listen, args.words.len() + 1)?.into_iter();
    let index = sockets.next().ok_or("no socket")?;
    telemetry::say("loading the sample data");
    let standin = Standin::start(Options::new(Arc::new(bigquery_standin::data::shipped()?))).await?;
    telemetry::say("creating a service account's key");
    // The key works only with this stand-in, and only while it runs.
    let folder = tempfile::tempdir()?;
    let credentials = folder.path().join("bigquery.json");
    let key = standin.create_service_account(ACCOUNT, PROJECT)?;
    standin.allow(&key.member(), PROJECT, DATASET);
    key.write_new(&credentials, &standin.token_uri())?;

    telemetry::say(&format!("counting {}", wording(&args.words)));
    let draining = watch::Sender::new(false);
    let mut running = JoinSet::new();
    let ready = tcp(&index)?;
    let hosts = sockets::hosts(ready.ip());
    let sockets: Vec<_> = args.words.into_iter().zip(sockets).collect();
    let words = sockets
        .iter()
        .map(|(word, socket)| Ok((word.to_string(), tcp(socket)?)));
    let words = words.collect::<Result<Vec<_>, Box<dyn Error + Send + Sync>>>()?;
    let site = site(ready, &words, hosts.anywhere.as_deref().unwrap_or(&hosts.here));
    for (word, socket) in sockets {
        let config = config(word, tcp(&socket)?, &credentials, standin.url())?;
        let instance = Instance::on(config, |_| Ok(socket)).await?;
        let instance = instance.beside(Source::fixed(site.clone()));
        running.spawn(instance.serve(begun(&draining)));
    }
    for (_, url) in links(&words, &hosts.here) {
        answered(&url).await?;
    }
    // It starts after its instances, so that its first list has their totals.
    let index = Index::new(index, Source::fixed(site.clone()), site);
    running.spawn(index.serve(begun(&draining)));
    answered(&url(&hosts.here, ready)).await?;
    announce(ready, &words, &hosts)?;
    stop.await;
    draining.send_replace(true);
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    standin.shutdown().await;
    Ok(())
}

/// Waits for a page. On a machine that is compiling meanwhile, the first one may take longer than a probe.
async fn answered(url: &str) -> Result<(), String> {
    let mut tries = 0;
    loop {
        match probe::probe(url).await {
            Err(_) if tries < MOST_TRIES => tries += 1,
            ended => return ended,
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// The address of a socket that must be a TCP socket.
fn tcp(socket: &Listener) -> Result<SocketAddr, Box<dyn Error + Send + Sync>> {
    match socket.local_address()? {
        Listen::Tcp(address) => Ok(address),
        Listen::Unix(path) => {
            Err(format!("{} is passed as a socket: expected a TCP one", path.display()).into())
        }
    }
}

/// The words as a list in a sentence.
fn wording(words: &[Word]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    quoted.join(", ")
}

/// Each word and its URL.
fn links(words: &[(String, SocketAddr)], host: &str) -> Vec<(String, String)> {
    words
        .iter()
        .map(|(word, address)| (word.clone(), url(host, *address)))
        .collect()
}

/// The whole site, as a browser on this host and the index reach it.
fn site(index: SocketAddr, words: &[(String, SocketAddr)], host: &str) -> Site {
    let place = |(word, address): &(String, SocketAddr)| Place {
        link: Link {
            word: word.clone(),
            url: url(host, *address),
        },
        address: Some(Listen::Tcp(*address)),
    };
    Site {
        index: url(host, index),
        places: words.iter().map(place).collect(),
    }
}

fn url(host: &str, address: SocketAddr) -> String {
    format!("http://{host}:{}/", address.port())
}

/// Ends when the drain begins.
fn begun(draining: &watch::Sender<bool>) -> impl Future<Output = ()> + use<> {
    let mut draining = draining.subscribe();
    async move { drop(draining.wait_for(|draining| *draining).await) }
}

/// The configuration of an instance that uses the stand-in; everything else is `serve`'s default.
fn config(word: Word, listen: SocketAddr, credentials: &Path, endpoint: &str) -> Result<Config, Invalid> {
    Ok(Config {
        listen: Listen::Tcp(listen),
        credentials: Some(credentials.to_owned()),
        bigquery_endpoint: endpoint.parse()?,
        ..cli::defaults(word)?
    })
}

fn announce(index: SocketAddr, words: &[(String, SocketAddr)], hosts: &Hosts) -> io::Result<()> {
    // The log lines so far must appear before this text.
    telemetry::flush();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "wordtally serves these words, from a stand-in for BigQuery with sample data:"
    )?;
    for (word, url) in links(words, &hosts.here) {
        writeln!(out, "  {url}  {word}")?;
    }
    if let Some(host) = &hosts.anywhere {
        writeln!(out, "From other machines: {}", url(host, index))?;
    }
    writeln!(out, "All of them: {}   Stop: Ctrl-C", url(&hosts.here, index))?;
    out.flush()
}
