//! A server on a cache that the test fills.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wordtally::answer::{Answer, Count, Moment};
use wordtally::cache::{Cache, Entry};
use wordtally::config::{Config, Listen, LogFormat, LogLevel, Origin};
use wordtally::render::{Context, Format, Order, Pages};
use wordtally::server::{Drained, Limits, Listener, Service, serve};
use wordtally::telemetry::Metrics;

use super::client::{Client, PATIENCE, Reply};
use crate::clock::shared;

/// Limits short enough to be reached in a test.
pub(crate) fn short() -> Limits {
    Limits {
        connections: 64,
        head_read: Duration::from_millis(300),
        write_stall: Duration::from_millis(300),
        write_rate: 32 * 1024,
        first_answer: Duration::from_millis(300),
        last_requests: Duration::from_millis(50),
        drain: Duration::from_secs(2),
    }
}

pub(crate) struct Server {
    pub(crate) cache: Arc<Cache>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) listen: Listen,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<Drained>>,
}

impl Server {
    /// Serves an answer on a free loopback port.
    pub(crate) async fn start() -> Self {
        let server = Self::without_answer(short());
        server.publish(995);
        server
    }

    pub(crate) fn without_answer(limits: Limits) -> Self {
        let listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self::on(Listener::open(&listen).unwrap(), limits)
    }

    /// Serves on a loopback address that no other test uses, so that nothing takes the port when it is released.
    pub(crate) fn alone(address: u8) -> Self {
        let listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, address], 0)));
        Self::on(Listener::open(&listen).unwrap(), short())
    }

    pub(crate) fn on(listener: Listener, limits: Limits) -> Self {
        Self::with(listener, limits, &[])
    }

    /// Serves an answer that pages of these origins may read.
    pub(crate) async fn open_to(origins: &[&str]) -> Self {
        let listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
        let origins: Vec<Origin> = origins.iter().map(|origin| origin.parse().unwrap()).collect();
        let server = Self::with(Listener::open(&listen).unwrap(), short(), &origins);
        server.publish(995);
        server
    }

    fn with(listener: Listener, limits: Limits, cors_origins: &[Origin]) -> Self {
        let config = config();
        let cache = Arc::new(Cache::by(shared(), config.ttl, config.max_stale));
        let metrics = Arc::new(Metrics::new(config.ttl));
        let service = Arc::new(Service::new(
            Arc::clone(&cache),
            Arc::clone(&metrics),
            &limits,
            &config.word,
            cors_origins,
        ));
        let listen = listener.local_address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async { stopped.await.unwrap_or(()) };
            serve(listener, service, limits, shutdown).await
        });
        Self {
            cache,
            metrics,
            listen,
            stop,
            task,
        }
    }

    /// Puts an answer of this age into the cache.
    pub(crate) fn publish_aged(&self, total_words: i64, age: Duration) {
        self.cache.publish(Entry {
            pages: pages(total_words, false),
            sent: sent(age),
        });
    }

    /// Puts an answer from the stand-in into the cache.
    pub(crate) fn publish_sample(&self) {
        self.cache.publish(Entry {
            pages: pages(995, true),
            sent: sent(Duration::ZERO),
        });
    }

    pub(crate) fn publish(&self, total_words: i64) {
        self.publish_aged(total_words, Duration::ZERO);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match &self.listen {
            Listen::Tcp(address) => *address,
            Listen::Unix(path) => panic!("{} is not a TCP address", path.display()),
        }
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address()).await.unwrap())
    }

    /// One GET of a path, on its own connection.
    pub(crate) async fn get(&self, path: &str, headers: &str) -> Reply {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
            .await
    }

    /// One request as raw bytes, on its own connection.
    pub(crate) async fn request(&self, raw: &str) -> Reply {
        let mut client = self.connect().await;
        client.send(raw).await;
        client.reply(raw.starts_with("HEAD ")).await
    }

    /// Begins a drain; the receiver ends with it.
    pub(crate) fn stop(self) -> JoinHandle<std::io::Result<Drained>> {
        self.stop.send(()).unwrap();
        self.task
    }
}

/// Waits for the end of a drain.
pub(crate) async fn drained(task: JoinHandle<std::io::Result<Drained>>) -> Drained {
    timeout(PATIENCE, task)
        .await
        .expect("the drain hangs")
        .unwrap()
        .unwrap()
}

/// The body that the server should send in this format after `publish(total_words)`.
pub(crate) fn body(format: &Format, total_words: i64) -> Vec<u8> {
    pages(total_words, false)
        .get(format, Order::Count, false)
        .unwrap()
        .identity
        .body
        .to_vec()
}

fn pages(total_words: i64, sample_data: bool) -> Pages {
    let answer = Answer {
        word: "the".parse().unwrap(),
        counts: vec![Count {
            corpus: Some("hamlet".to_owned()),
            total_words,
            corpus_words: 20_000,
        }],
        other_cases: Vec::new(),
        sample_data,
        table: config().table,
        sent: sent(Duration::ZERO),
    };
    let context = Context {
        neighbours: None,
        ttl: Duration::from_secs(300),
    };
    Pages::new(&answer, &context).unwrap()
}

/// A fixed wall-clock time, and a moment of this age by the clock that measures ages.
fn sent(age: Duration) -> Moment {
    Moment {
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        monotonic: shared().now() - age,
    }
}

fn config() -> Config {
    Config {
        word: "the".parse().unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        project: None,
        table: "bigquery-public-data.samples.shakespeare".parse().unwrap(),
        location: None,
        credentials: None,
        bigquery_endpoint: "https://bigquery.googleapis.com".parse().unwrap(),
        ttl: Duration::from_secs(300),
        max_stale: Duration::from_secs(86_400),
        cors_origins: Vec::new(),
        timeout: Duration::from_secs(30),
        maximum_bytes_billed: 1 << 30,
        workers: 1,
        site: None,
        log_format: LogFormat::Text,
        log_level: LogLevel::Info,
    }
}
