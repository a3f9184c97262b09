//! A scripted HTTP peer on a real socket, and helpers for the tests of credentials and BigQuery.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wordtally::bigquery::BigQuery;
use wordtally::config::{Config, LogFormat, LogLevel};
use wordtally::credentials::{Limits, Origin, Tokens, Variables};
use wordtally::telemetry::Metrics;

/// A request as the peer received it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// With names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
    /// How many earlier requests had this method and path.
    pub(crate) nth: usize,
}

impl Request {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    pub(crate) fn form(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    pub(crate) fn parameters(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn bearer(&self) -> &str {
        self.header("authorization").trim_start_matches("Bearer ")
    }
}

/// The peer's reaction to a request.
pub(crate) enum Reply {
    Json(u16, Value),
    Text(u16, &'static str),
    /// A status, with only a `Retry-After`.
    Later(u16, &'static str),
    /// Like [`Reply::Json`] with 200, and one more header field.
    With(&'static str, Value),
    /// Sends nothing and keeps the connection open.
    Hang,
    /// Closes the connection.
    Close,
    /// Sends headers and the first bytes of a body, then nothing more.
    HangInBody,
    /// Sends half of a body, then closes.
    Truncate,
    /// Responds after a delay.
    After(Duration, Value),
}

/// A peer that follows a script and remembers every request.
pub(crate) struct Peer {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Peer {
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("the log").clone()
    }

    /// The requests whose path has this suffix.
    pub(crate) fn to(&self, path: &str) -> Vec<Request> {
        self.seen()
            .into_iter()
            .filter(|request| request.path.ends_with(path))
            .collect()
    }

    /// Waits for a request whose path has this suffix.
    pub(crate) async fn awaited(&self, path: &str) -> Request {
        for _ in 0..300 {
            if let Some(request) = self.to(path).into_iter().next() {
                return request;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no request to {path} came: {:?}", self.seen());
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<impl Fn(&Request) -> Reply + Send + Sync + 'static>,
    seen: Arc<Mutex<Vec<Request>>>,
) {
    let Some(mut request) = read(&mut stream).await else {
        return;
    };
    {
        let mut seen = seen.lock().expect("the log");
        request.nth = seen
            .iter()
            .filter(|other| other.path == request.path && other.method == request.method)
            .count();
        seen.push(request.clone());
    }
    let mut more = String::new();
    let (status, kind, body) = match script(&request) {
        Reply::Json(status, body) => (status, "application/json", body.to_string()),
        Reply::Text(status, body) => (status, "text/html", body.to_owned()),
        Reply::Later(status, when) => {
            more = format!("retry-after: {when}\r\n");
            (status, "text/plain", String::new())
        }
        Reply::With(field, body) => {
            more = format!("{field}\r\n");
            (200, "application/json", body.to_string())
        }
        Reply::After(wait, body) => {
            tokio::time::sleep(wait).await;
            (200, "application/json", body.to_string())
        }
        Reply::Hang => return tokio::time::sleep(Duration::from_secs(60)).await,
        Reply::Close => return,
        Reply::HangInBody => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access";
            let _ = stream.write_all(head.as_bytes()).await;
            return tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Reply::Truncate => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"jobComplete";
            let _ = stream.write_all(head.as_bytes()).await;
            return;
        }
    };
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |text| text.parse().expect("a length"));
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target.as_str(), ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        nth: 0,
    })
}

/// A file for a single test.
pub(crate) fn file(content: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!(
        "{}-{}.json",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("a file");
    path
}

/// An `authorized_user` file whose token server is the peer's `/token`.
pub(crate) fn authorized_user(peer: &Peer) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "the-client",
        "client_secret": "hush-client",
        "refresh_token": "hush-refresh",
        "quota_project_id": "billed-project",
        "token_uri": format!("{}/token", peer.address),
    })
}

/// A token server's response.
pub(crate) fn granted(token: &str) -> Reply {
    Reply::Json(
        200,
        json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}),
    )
}

/// A token cache for a credential, with short limits.
pub(crate) fn tokens(credential: &Value) -> Tokens {
    tokens_of(&file(&credential.to_string()))
}

pub(crate) fn tokens_of(path: &Path) -> Tokens {
    tokens_at(Origin::File(path.to_owned()))
}

pub(crate) fn tokens_at(origin: Origin) -> Tokens {
    let limits = Limits {
        fetch: Duration::from_secs(2),
        backoff: Duration::from_millis(5),
    };
    Tokens::new(origin, limits)
}

/// A configuration with the peer as BigQuery and as token server.
pub(crate) fn config(peer: &Peer) -> Config {
    Config {
        word: "the".parse().expect("a word"),
        listen: "127.0.0.1:0".parse().expect("an address"),
        project: None,
        table: "data-project.books.words".parse().expect("a table"),
        location: None,
        credentials: Some(file(&authorized_user(peer).to_string())),
        bigquery_endpoint: peer.address.parse().expect("an endpoint"),
        ttl: Duration::from_secs(300),
        max_stale: Duration::from_secs(86_400),
        cors_origins: Vec::new(),
        timeout: Duration::from_secs(5),
        maximum_bytes_billed: 1_000_000_000,
        workers: 1,
        site: None,
        log_format: LogFormat::Text,
        log_level: LogLevel::Info,
    }
}

/// A client with quick retries, and its metrics.
pub(crate) async fn bigquery(config: &Config) -> (BigQuery, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new(config.ttl));
    let quick = Duration::from_millis(5);
    let bigquery = BigQuery::with_backoff(config, &Variables::default(), Arc::clone(&metrics), quick)
        .await
        .expect("a client");
    (bigquery, metrics)
}

/// The number of words of each corpus in [`answer`].
pub(crate) const CORPUS_WORDS: i64 = 20_000;

/// The response to a finished query.
pub(crate) fn answer(rows: &[(&str, &str)]) -> Value {
    let all = CORPUS_WORDS.to_string();
    let rows: Vec<Value> = rows
        .iter()
        .map(|(corpus, total)| json!({"f": [{"v": corpus}, {"v": total}, {"v": all}, {"v": null}]}))
        .collect();
    json!({
        "kind": "bigquery#queryResponse",
        "jobComplete": true,
        "jobReference": {"projectId": "billed-project", "jobId": "job_1", "location": "US"},
        "schema": {"fields": [
            {"name": "corpus", "type": "STRING", "mode": "NULLABLE"},
            {"name": "total_words", "type": "INTEGER", "mode": "NULLABLE"},
            {"name": "corpus_words", "type": "INTEGER", "mode": "NULLABLE"},
            {"name": "other_case", "type": "STRING", "mode": "NULLABLE"},
        ]},
        "totalRows": rows.len().to_string(),
        "totalBytesProcessed": "2650000",
        "cacheHit": false,
        "rows": rows,
    })
}

/// The response to a query whose job is still running.
pub(crate) fn running() -> Reply {
    Reply::Json(
        200,
        json!({
            "jobComplete": false,
            "jobReference": {"projectId": "billed-project", "jobId": "job_1", "location": "EU"},
        }),
    )
}

/// An error as Google's BigQuery sends it.
pub(crate) fn refusal(status: u16, reason: &str) -> Reply {
    Reply::Json(
        status,
        json!({"error": {
            "code": status,
            "message": format!("words about {reason}"),
            "status": "SOME_STATUS",
            "errors": [{"reason": reason, "domain": "global", "message": "words"}],
        }}),
    )
}

/// A peer that grants `token-0`, `token-1` and so on, and answers everything else by the script.
pub(crate) async fn peer(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Peer {
    Peer::start(move |request| match request.path.as_str() {
        "/token" => granted(&format!("token-{}", request.nth)),
        _ => script(request),
    })
    .await
}

/// A `service_account` file whose token server is the peer's `/token`. The key is created once.
pub(crate) fn service_account(peer: &Peer) -> Value {
    json!({
        "type": "service_account",
        "project_id": "own-project",
        "private_key": private_key(),
        "client_email": "tally@own-project.iam.gserviceaccount.com",
        "token_uri": format!("{}/token", peer.address),
    })
}

pub(crate) fn private_key() -> &'static str {
    use rsa::pkcs8::{EncodePrivateKey, LineEnding};
    static KEY: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    KEY.get_or_init(|| {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
        key.to_pkcs8_pem(LineEnding::LF).expect("a PEM text").to_string()
    })
}

/// An `external_account` file that exchanges the content of a file at the peer's `/sts`.
pub(crate) fn external_account(peer: &Peer, source: Value) -> Value {
    json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", peer.address),
        "quota_project_id": "billed-project",
        "credential_source": source,
    })
}
