//! A server over a cache that the test fills, and a client that sees every byte.
#![allow(dead_code, unreachable_pub, missing_docs)]
// Clippy sees only functions marked as tests as such; these are theirs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use wordtally::answer::{Answer, Count};
use wordtally::cache::{Cache, Entry};
use wordtally::config::{Config, Listen, LogFormat, LogLevel};
use wordtally::render::{Format, Pages};
use wordtally::server::{Drained, Limits, Listener, Service, serve};
use wordtally::telemetry::Metrics;

/// Longer than anything here takes, so that a hang fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(5);

/// Limits short enough to be reached in a test.
pub fn short() -> Limits {
    Limits {
        connections: 64,
        head_read: Duration::from_millis(300),
        write_stall: Duration::from_millis(300),
        first_answer: Duration::from_millis(300),
        last_requests: Duration::from_millis(50),
        drain: Duration::from_secs(2),
    }
}

pub struct Server {
    pub cache: Arc<Cache>,
    pub metrics: Arc<Metrics>,
    pub listen: Listen,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<Drained>>,
}

impl Server {
    /// Serves on a free port of loopback, with an answer to give.
    pub async fn start() -> Self {
        let server = Self::without_answer(short());
        server.publish(995);
        server
    }

    pub fn without_answer(limits: Limits) -> Self {
        let listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self::on(Listener::open(&listen).unwrap(), limits)
    }

    pub fn on(listener: Listener, limits: Limits) -> Self {
        let config = config();
        let cache = Arc::new(Cache::new(config.ttl, config.stale));
        let metrics = Arc::new(Metrics::new(&config));
        let service = Arc::new(Service::new(Arc::clone(&cache), Arc::clone(&metrics), &limits));
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
    pub fn publish_aged(&self, total_words: i64, age: Duration) {
        let as_of = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        self.cache.publish(Entry {
            pages: pages(total_words),
            since: Instant::now() - age,
            as_of,
        });
    }

    pub fn publish(&self, total_words: i64) {
        self.publish_aged(total_words, Duration::ZERO);
    }

    pub fn address(&self) -> SocketAddr {
        match &self.listen {
            Listen::Tcp(address) => *address,
            Listen::Unix(path) => panic!("{} is no TCP address", path.display()),
        }
    }

    pub async fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address()).await.unwrap())
    }

    /// One GET of a path, on a connection of its own.
    pub async fn get(&self, path: &str, headers: &str) -> Reply {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
            .await
    }

    /// One request as raw bytes, on a connection of its own.
    pub async fn request(&self, raw: &str) -> Reply {
        let mut client = self.connect().await;
        client.send(raw).await;
        client.reply(raw.starts_with("HEAD ")).await
    }

    /// Begins a drain; the receiver ends with it.
    pub fn stop(self) -> JoinHandle<std::io::Result<Drained>> {
        self.stop.send(()).unwrap();
        self.task
    }
}

/// Waits for a drain's end.
pub async fn drained(task: JoinHandle<std::io::Result<Drained>>) -> Drained {
    timeout(PATIENCE, task)
        .await
        .expect("the drain hangs")
        .unwrap()
        .unwrap()
}

/// What the server should send in this format after `publish(total_words)`.
pub fn body(format: Format, total_words: i64) -> Vec<u8> {
    pages(total_words).get(format).body.to_vec()
}

fn pages(total_words: i64) -> Pages {
    let answer = Answer {
        word: "the".parse().unwrap(),
        counts: vec![Count {
            corpus: Some("hamlet".to_owned()),
            total_words,
        }],
        as_of: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
    };
    Pages::new(&answer, &config().table)
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
        stale: Duration::from_secs(86_400),
        timeout: Duration::from_secs(30),
        maximum_bytes_billed: 1 << 30,
        workers: 1,
        log_format: LogFormat::Text,
        log_level: LogLevel::Info,
    }
}

pub struct Client<S> {
    stream: S,
    received: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            received: Vec::new(),
        }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one response; one to HEAD has no body whatever its Content-Length says.
    pub async fn reply(&mut self, to_head: bool) -> Reply {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(
                self.fill().await,
                "closed before a whole response: {:?}",
                self.text()
            );
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let mut reply = Reply {
            head,
            body: Vec::new(),
        };
        if !to_head && reply.status() != 304 {
            let length = reply.header("content-length").expect("a length").parse().unwrap();
            while self.received.len() < length {
                assert!(self.fill().await, "closed before a whole body");
            }
            reply.body = self.received.drain(..length).collect();
        }
        reply
    }

    /// Everything until the server closes.
    pub async fn rest(&mut self) -> String {
        while self.fill().await {}
        let text = self.text();
        self.received.clear();
        text
    }

    /// How long the server takes to close, with what it sent before.
    pub async fn closed_after(&mut self) -> (Duration, String) {
        let begun = Instant::now();
        let rest = self.rest().await;
        (begun.elapsed(), rest)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// Reads more; false at the end. A reset is an end, too.
    async fn fill(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        read.expect("the server neither answers nor closes").unwrap_or(0) > 0
    }
}

#[derive(Debug)]
pub struct Reply {
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// A header's value; one that is sent twice is a fault.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.head.lines().skip(1).filter_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        let first = found.next();
        assert_eq!(found.next(), None, "{name} twice");
        first
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
