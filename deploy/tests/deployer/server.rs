//! The pages of a host: an HTTP/1.1 server with responses from the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tls::Certificate;

/// A whole response, including its head; none leaves the client without one.
pub(crate) type Answer = Option<String>;
type Answers = Arc<dyn Fn(&str) -> Answer + Send + Sync>;

pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) connections: Arc<Mutex<u32>>,
}

/// Answers each request for a path, on any number of connections.
pub(crate) fn serve(answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Server {
    listen(None, Arc::new(answers))
}

/// The same with TLS.
pub(crate) fn serve_tls(
    certificate: &Certificate,
    answers: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> Server {
    listen(Some(Arc::clone(&certificate.server)), Arc::new(answers))
}

fn listen(tls: Option<Arc<ServerConfig>>, answers: Answers) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&connections);
    thread::spawn(move || {
        for stream in listener.incoming() {
            *counted.lock().unwrap() += 1;
            let (stream, tls, answers) = (stream.unwrap(), tls.clone(), Arc::clone(&answers));
            thread::spawn(move || match tls {
                Some(tls) => talk(
                    StreamOwned::new(ServerConnection::new(tls).unwrap(), stream),
                    &answers,
                ),
                None => talk(stream, &answers),
            });
        }
    });
    Server { address, connections }
}

/// The same on a Unix socket.
pub(crate) fn serve_unix(path: &Path, answers: impl Fn(&str) -> Answer + Send + Sync + 'static) {
    let listener = UnixListener::bind(path).unwrap();
    let answers: Answers = Arc::new(answers);
    thread::spawn(move || {
        for stream in listener.incoming() {
            talk(stream.unwrap(), &answers);
        }
    });
}

fn talk(stream: impl Read + Write, answers: &Answers) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).unwrap_or_default() == 0 {
                return;
            }
        }
        let Some(answer) = answers(head.split(' ').nth(1).unwrap_or_default()) else {
            return;
        };
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

pub(crate) fn response(status: &str, fields: &str, body: &str) -> Answer {
    Some(format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

pub(crate) fn ready() -> Answer {
    response("200 OK", "", "ready")
}

/// A word's page with these counts.
pub(crate) fn counts<const N: usize>(counts: [(&str, u64); N]) -> Answer {
    let counts: Vec<_> = counts
        .map(|(corpus, total)| serde_json::json!({"corpus": corpus, "total_words": total}))
        .into();
    response(
        "200 OK",
        "",
        &serde_json::json!({"word": "the", "counts": counts}).to_string(),
    )
}

pub(crate) fn known<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(corpus, count)| (corpus.to_owned(), count)).into()
}

/// The reverse proxy's limit, as nginx counts: a bucket that leaks at a rate, with room for a burst.
pub(crate) struct Limit {
    rate: f64,
    burst: f64,
    excess: Mutex<(f64, Instant)>,
}

impl Limit {
    pub(crate) fn new(rate: f64, burst: f64) -> Self {
        Self {
            rate,
            burst,
            excess: Mutex::new((-1.0, Instant::now())),
        }
    }

    pub(crate) fn allows(&self) -> bool {
        let mut bucket = self.excess.lock().unwrap();
        let (excess, last) = *bucket;
        let now = Instant::now();
        let next = (excess - (now - last).as_secs_f64() * self.rate).max(-1.0) + 1.0;
        if next > self.burst {
            return false;
        }
        *bucket = (next, now);
        true
    }
}
