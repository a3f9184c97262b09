//! Servers that repeat what they were sent, in any form, anywhere in the line, and truncated: no secret is logged.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::google::key;
use crate::instance::*;

pub(crate) const ACCESS_TOKEN: &str = "aPlain.Access-token/0123456789+abcdefghij/KLMNOPQRST==uvwxyz";
const REFRESH_TOKEN: &str = "1//theRefresh-token_0246813579acegikmoqsuwybdfhjlnprtvxz";
const CLIENT_SECRET: &str = "theClientsOwn~secret.1357924680";
const SUBJECT_TOKEN: &str = "a-subject-token-of.no-known/form_0192837465-qpwoeiruty";
const SOURCES_TOKEN: &str = "what-the-source-wants-to-see.5647382910";
/// The most characters of a secret that a line may contain.
const MOST: usize = 11;

/// Which of the requests gets an echo as its response.
#[derive(Clone, Copy)]
pub(crate) enum Echo {
    Query,
    Token,
    Impersonation,
    Subject,
}

/// Every upstream of a service, on one socket.
pub(crate) struct Upstream {
    pub(crate) url: String,
    /// The received assertions.
    assertions: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    pub(crate) fn start(echo: Echo) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let assertions: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, asked) = (Arc::clone(&assertions), AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, echo, &seen, asked.fetch_add(1, Ordering::Relaxed));
            }
        });
        Self { url, assertions }
    }
}

fn answer(
    mut stream: TcpStream,
    echo: Echo,
    assertions: &Mutex<Vec<String>>,
    nth: usize,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    let mut length = 0;
    while !request.ends_with("\r\n\r\n") {
        let begun = request.len();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        if let Some(text) = request[begun..].to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    for (name, value) in url::form_urlencoded::parse(body.as_bytes()) {
        if name == "assertion" {
            assertions.lock().unwrap().push(value.into_owned());
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let at = match path {
        "/token" => Echo::Token,
        "/impersonate" => Echo::Impersonation,
        "/subject" => Echo::Subject,
        _ => Echo::Query,
    };
    let (status, answer) = if std::mem::discriminant(&at) == std::mem::discriminant(&echo) {
        let words = words(&request, &body, nth);
        let google = json!({"code": 400, "message": words, "status": "X", "errors": []});
        match at {
            Echo::Token => (400, json!({"error": "invalid_grant", "error_description": words})),
            Echo::Query | Echo::Impersonation | Echo::Subject => (400, json!({ "error": google })),
        }
    } else {
        let granted = json!({"access_token": ACCESS_TOKEN, "accessToken": ACCESS_TOKEN, "expires_in": 3600,
            "expireTime": "2100-01-01T00:00:00Z", "token_type": "Bearer"});
        (200, granted)
    };
    let answer = answer.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

/// The received text: plain, or escaped for a URL, or in JSON once or twice; at a place where the log may truncate it;
/// or without its beginning.
fn words(request: &str, body: &str, nth: usize) -> String {
    let header = request
        .lines()
        .find(|line| line.to_lowercase().contains("authorization:"));
    let came = format!("{} {body}", header.unwrap_or_default());
    let came = came.trim();
    let middle = came.get(came.len() / 3..).unwrap_or_default();
    match nth % 8 {
        0 => came.to_owned(),
        1 => format!("{came:?}"),
        2 => format!("{:?}", format!("{came:?}")),
        3 => url::form_urlencoded::byte_serialize(came.as_bytes()).collect(),
        4 => middle.to_owned(),
        // The secret itself begins a few characters before the end.
        5 => format!("{}{came}", "x ".repeat(200)),
        6 => format!("{}{came}", "x ".repeat(215)),
        _ => format!("{}{came}", "x ".repeat(228)),
    }
}

/// Fails if the text contains a piece of the secret.
pub(crate) fn holds_nothing_of(secret: &str, text: &str) {
    let bytes = secret.as_bytes();
    for piece in bytes.windows(MOST + 1) {
        let piece = std::str::from_utf8(piece).unwrap();
        if let Some(at) = text.find(piece) {
            let line = text[..at].lines().count();
            panic!(
                "{piece} of {secret} is in {:?}",
                text.lines().nth(line.saturating_sub(1))
            );
        }
    }
}

/// Runs the service on a credential until it has failed often, in both formats, and looks for the secrets in its log.
async fn nothing_is_logged(upstream: &Upstream, credential: &Value, secrets: &[&str]) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("credential.json");
    std::fs::write(&path, credential.to_string()).unwrap();
    for format in ["json", "text"] {
        let mut command = binary();
        command
            .args([
                "serve",
                "--word",
                "the",
                "--listen",
                "127.0.0.1:0",
                "--project",
                "my-project",
            ])
            .args(["--log-level", "debug", "--log-format", format, "--timeout", "2s"])
            .args(["--bigquery-endpoint", &upstream.url, "--credentials"])
            .arg(&path);
        let instance = Instance::unseen(command);
        let failed = || {
            instance
                .log()
                .iter()
                .filter(|line| line.contains("refresh failed"))
                .count()
        };
        eventually("several failures", async || (failed() >= 3).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let log = instance.stop().await;
        let text = log.join("\n");
        assert!(text.contains("[redacted]"), "it was not echoed: {text}");
        for secret in secrets {
            holds_nothing_of(secret, &text);
        }
        for assertion in upstream.assertions.lock().unwrap().iter() {
            holds_nothing_of(assertion, &text);
        }
        if format == "json" {
            let odd = log
                .iter()
                .find(|line| serde_json::from_str::<Value>(line).is_err());
            assert_eq!(odd, None, "no longer JSON");
        }
    }
}

pub(crate) fn authorized_user(upstream: &Upstream) -> Value {
    json!({"type": "authorized_user", "client_id": "the-client", "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN, "token_uri": format!("{}/token", upstream.url)})
}

#[tokio::test]
async fn bigquery_that_echoes_the_access_token() {
    let upstream = Upstream::start(Echo::Query);
    nothing_is_logged(&upstream, &authorized_user(&upstream), &[ACCESS_TOKEN]).await;
}

#[tokio::test]
async fn a_token_server_that_echoes_a_persons_secrets() {
    let upstream = Upstream::start(Echo::Token);
    let secrets = [CLIENT_SECRET, REFRESH_TOKEN];
    nothing_is_logged(&upstream, &authorized_user(&upstream), &secrets).await;
}

#[tokio::test]
async fn a_token_server_that_echoes_a_service_accounts_assertion() {
    let upstream = Upstream::start(Echo::Token);
    let file = key().to_json(&format!("{}/token", upstream.url));
    nothing_is_logged(&upstream, &serde_json::from_str(&file).unwrap(), &[]).await;
    let seen = upstream.assertions.lock().unwrap();
    assert!(seen.iter().any(|assertion| assertion.len() > 300), "{seen:?}");
}

fn external_account(upstream: &Upstream, source: &Value) -> Value {
    json!({"type": "external_account", "audience": "//iam.googleapis.com/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": format!("{}/token", upstream.url),
        "credential_source": source})
}

#[tokio::test]
async fn a_token_server_that_echoes_a_subject_token() {
    let upstream = Upstream::start(Echo::Token);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("subject");
    std::fs::write(&file, format!("{SUBJECT_TOKEN}\n")).unwrap();
    let credential = external_account(&upstream, &json!({ "file": file }));
    nothing_is_logged(&upstream, &credential, &[SUBJECT_TOKEN]).await;
}

#[tokio::test]
async fn a_server_of_subject_tokens_that_echoes_what_it_wants_to_see() {
    let upstream = Upstream::start(Echo::Subject);
    let url = format!("{}/subject", upstream.url);
    let source = json!({"url": url, "headers": {"x-authorization": SOURCES_TOKEN}});
    let credential = external_account(&upstream, &source);
    nothing_is_logged(&upstream, &credential, &[SOURCES_TOKEN]).await;
}

#[tokio::test]
async fn an_impersonation_server_that_echoes_the_token_that_impersonates() {
    let upstream = Upstream::start(Echo::Impersonation);
    let credential = json!({"type": "impersonated_service_account",
        "service_account_impersonation_url": format!("{}/impersonate", upstream.url),
        "source_credentials": authorized_user(&upstream)});
    nothing_is_logged(&upstream, &credential, &[ACCESS_TOKEN]).await;
}
