//! An upstream that sends too much: each request fails for the right reason, in little memory, and delays nothing else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::google::{PROJECT, key};
use crate::instance::*;

/// The most memory that the process may ever have used, in KiB. An unoptimised build has 8 MB more of code.
const MAX_RSS: u64 = if cfg!(debug_assertions) {
    32 * 1024
} else {
    24 * 1024
};
/// The longest that a page without upstream requests may take, besides the delays of the machine itself.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// A body that counts as endless, so that a service which reads all of it fails the test without exhausting the
/// machine.
const ENDLESS: u64 = 2_147_483_648;
/// The largest page that the service accepts, in bytes.
const PAGE: usize = 1024 * 1024;

/// Writes a response, or as much of it as the peer reads.
type Script = fn(&mut TcpStream) -> io::Result<()>;

/// A server on a socket. Requests under `/token` get the first script, all others the second.
struct Hostile {
    url: String,
}

impl Hostile {
    fn start(token: Script, query: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || serve(stream, token, query));
            }
        });
        Self { url }
    }
}

fn serve(mut stream: TcpStream, token: Script, query: Script) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let script = if first.contains(" /token ") { token } else { query };
    script(&mut stream)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";

fn granted(stream: &mut TcpStream) -> io::Result<()> {
    let body = r#"{"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}"#;
    write!(stream, "{HEAD}content-length: {}\r\n\r\n{body}", body.len())
}

/// A body of two gigabytes, announced as such.
fn huge(stream: &mut TcpStream) -> io::Result<()> {
    write!(stream, "{HEAD}content-length: {ENDLESS}\r\n\r\n")?;
    endlessly(stream, &[b' '; 65_536])
}

fn endlessly(stream: &mut TcpStream, chunk: &[u8]) -> io::Result<()> {
    for _ in 0..ENDLESS / chunk.len() as u64 {
        stream.write_all(chunk)?;
    }
    Ok(())
}

fn chunked(stream: &mut TcpStream) -> io::Result<()> {
    write!(stream, "{HEAD}transfer-encoding: chunked\r\n\r\n")
}

fn chunk(stream: &mut TcpStream, content: &str) -> io::Result<()> {
    write!(stream, "{:x}\r\n{content}\r\n", content.len())
}

fn endless(stream: &mut TcpStream) -> io::Result<()> {
    chunked(stream)?;
    loop {
        chunk(stream, &" ".repeat(65_536))?;
    }
}

fn endless_error(stream: &mut TcpStream) -> io::Result<()> {
    write!(stream, "HTTP/1.1 400 X\r\ntransfer-encoding: chunked\r\n\r\n")?;
    loop {
        chunk(stream, &" ".repeat(65_536))?;
    }
}

fn endless_head(stream: &mut TcpStream) -> io::Result<()> {
    write!(stream, "{HEAD}x-endless: ")?;
    endlessly(stream, &[b'x'; 65_536])
}

fn endless_fields(stream: &mut TcpStream) -> io::Result<()> {
    write!(stream, "{HEAD}")?;
    endlessly(stream, "x: y\r\n".repeat(10_000).as_bytes())
}

fn endless_interim(stream: &mut TcpStream) -> io::Result<()> {
    endlessly(stream, "HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000).as_bytes())
}

const SCHEMA: &str = r#""schema":{"fields":[{"name":"corpus","type":"STRING"},{"name":"total_words","type":"INTEGER"},{"name":"corpus_words","type":"INTEGER"},{"name":"other_case","type":"STRING"}]}"#;

fn ten_million_rows(stream: &mut TcpStream) -> io::Result<()> {
    let row = r#"{"f":[{"v":"hamlet"},{"v":"995"},{"v":"32446"},{"v":null}]}"#;
    chunked(stream)?;
    chunk(
        stream,
        &format!(r#"{{"jobComplete":true,"totalRows":"10000000",{SCHEMA},"rows":[{row}"#),
    )?;
    let thousand = format!(",{row}").repeat(1000);
    for _ in 0..10_000 {
        chunk(stream, &thousand)?;
    }
    chunk(stream, "]}")?;
    chunk(stream, "")
}

/// A body of exactly the accepted size: a beginning, one piece repeatedly, an end.
fn filled(stream: &mut TcpStream, begin: &str, piece: &str, end: &str) -> io::Result<()> {
    let times = (PAGE - begin.len() - end.len() - 2) / (piece.len() + 1);
    let body = format!("{begin}{}{end}", vec![piece; times].join(","));
    write!(stream, "{HEAD}content-length: {}\r\n\r\n{body}", body.len())
}

/// A page whose rows are this piece, repeated.
fn rows_of(stream: &mut TcpStream, piece: &str) -> io::Result<()> {
    filled(
        stream,
        &format!(r#"{{"jobComplete":true,"totalRows":"1",{SCHEMA},"rows":["#),
        piece,
        "]}",
    )
}

fn one_row_of(stream: &mut TcpStream, begin: &str, piece: &str, end: &str) -> io::Result<()> {
    filled(
        stream,
        &format!(r#"{{"jobComplete":true,"totalRows":"1",{SCHEMA},"rows":[{begin}"#),
        piece,
        &format!("{end}]}}"),
    )
}

fn nested(stream: &mut TcpStream, open: &str) -> io::Result<()> {
    let body = format!(
        r#"{{"jobComplete":true,{SCHEMA},"rows":{}"#,
        open.repeat((PAGE - 200) / open.len())
    );
    write!(stream, "{HEAD}content-length: {}\r\n\r\n{body}", body.len())
}

/// The name of a script, the script, and what the log says about it: a reason, and part of the cause.
type Case = (&'static str, Script, &'static str, &'static str);

#[tokio::test]
async fn bigquery_may_send_what_it_likes() {
    let too_long = "more than 1048576 bytes";
    let cases: [Case; 18] = [
        ("two gigabytes", huge, "malformed", too_long),
        ("an endless body", endless, "malformed", too_long),
        ("ten million rows", ten_million_rows, "malformed", too_long),
        ("an endless error", endless_error, "invalid", "400"),
        ("an endless head", endless_head, "unavailable", ""),
        ("endless fields", endless_fields, "unavailable", ""),
        ("endless interim responses", endless_interim, "timeout", ""),
        (
            "empty rows",
            |s| rows_of(s, "{}"),
            "malformed",
            "more than 10000 rows",
        ),
        ("rows of no object", |s| rows_of(s, "0"), "malformed", ""),
        (
            "rows of empty cells",
            |s| rows_of(s, r#"{"f":[{},{}]}"#),
            "malformed",
            "more than 10000 rows",
        ),
        (
            "many cells",
            |s| one_row_of(s, r#"{"f":["#, "{}", "]}"),
            "malformed",
            "cells",
        ),
        (
            "a list in a cell",
            |s| one_row_of(s, r#"{"f":[{"v":["#, "0", "]}]}"),
            "malformed",
            "",
        ),
        (
            "objects in a cell",
            |s| one_row_of(s, r#"{"f":[{"v":["#, r#"{"":0}"#, "]}]}"),
            "malformed",
            "",
        ),
        (
            "many columns",
            |s| {
                filled(
                    s,
                    r#"{"jobComplete":true,"rows":[],"schema":{"fields":["#,
                    r#"{"name":"","type":"JSON"}"#,
                    "]}}",
                )
            },
            "malformed",
            "columns",
        ),
        (
            "many errors",
            |s| filled(s, r#"{"jobComplete":true,"errors":["#, "{}", "]}"),
            "invalid",
            "the job reports no reason",
        ),
        (
            "fields that nobody asked for",
            |s| filled(s, r#"{"x":["#, r#"{"":[]}"#, "]}"),
            "malformed",
            "",
        ),
        ("lists in lists", |s| nested(s, "["), "malformed", ""),
        ("objects in objects", |s| nested(s, r#"{"f":"#), "malformed", ""),
    ];
    let mut faults = Vec::new();
    for case in cases {
        let peer = Hostile::start(granted, case.1);
        faults.extend(meets(&peer, &service_account(&peer), case).await);
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn a_token_server_may_send_what_it_likes() {
    let too_long = "more than 65536 bytes";
    let cases: [Case; 7] = [
        ("two gigabytes", huge, "token_server", too_long),
        ("an endless body", endless, "token_server", too_long),
        ("an endless error", endless_error, "token_server", too_long),
        ("an endless head", endless_head, "token_server", ""),
        ("endless fields", endless_fields, "token_server", ""),
        ("a list", |s| filled_token(s, "0"), "token_server", ""),
        ("objects", |s| filled_token(s, r#"{"":0}"#), "token_server", ""),
    ];
    let mut faults = Vec::new();
    for case in cases {
        let peer = Hostile::start(case.1, granted);
        for credential in [service_account(&peer), workload(&peer, "/proc/sys/kernel/ostype")] {
            faults.extend(meets(&peer, &credential, case).await);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Each attempt of yup-oauth2 left a thread with the pipe, or read until memory was full.
#[tokio::test]
async fn a_subject_token_without_an_end_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let peer = Hostile::start(granted, granted);
    let mut faults = Vec::new();
    for path in [pipe.to_str().unwrap(), "/dev/zero"] {
        let case: Case = ("no regular file", granted, "credential", "is not a regular file");
        faults.extend(meets(&peer, &workload(&peer, path), case).await);
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn service_account(peer: &Hostile) -> Value {
    let key = key().to_json(&format!("{}/token", peer.url));
    serde_json::from_str(&key).unwrap()
}

/// A workload whose subject token is in this file.
fn workload(peer: &Hostile, file: &str) -> Value {
    json!({
        "type": "external_account", "audience": "//a", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "quota_project_id": PROJECT, "token_url": format!("{}/token", peer.url),
        "credential_source": {"file": file},
    })
}

/// A token response of exactly the accepted size.
fn filled_token(stream: &mut TcpStream, piece: &str) -> io::Result<()> {
    let times = 65_000 / (piece.len() + 1);
    let body = format!("[{}]", vec![piece; times].join(","));
    write!(stream, "{HEAD}content-length: {}\r\n\r\n{body}", body.len())
}

/// Runs the service with the peer until its first refresh has failed. Returns what was wrong, if anything.
async fn meets(peer: &Hostile, credential: &Value, (name, _, reason, cause): Case) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bigquery.json");
    std::fs::write(&file, credential.to_string()).unwrap();
    let instance = Serve::new()
        .flag("--bigquery-endpoint", &peer.url)
        .flag("--credentials", file)
        .flag("--timeout", "2s")
        .start()
        .await;
    let mut client = instance.connect().await;
    let mut longest = Duration::ZERO;
    let lateness = Lateness::watch();
    let line = loop {
        let begun = Instant::now();
        assert_eq!(client.get("/healthz").await.status(), 200);
        longest = longest.max(begun.elapsed());
        if let Some(line) = instance.lines("refresh failed").pop() {
            break line;
        }
        sleep(Duration::from_millis(2)).await;
    };
    let rss = peak(instance.pid());
    let late = lateness.most();
    let said = line["cause"].as_str().unwrap();
    let report = format!(
        "{name}: {rss} KiB, {longest:?} (the machine {late:?}), {}, {said}",
        line["reason"]
    );
    println!("{report}");
    let good =
        line["reason"] == reason && said.contains(cause) && rss <= MAX_RSS && longest <= MAX_WAIT + late * 2;
    (!good).then_some(report)
}

/// The delay of a thread that only sleeps, on a busy machine. A request has two such delays: the service's and the
/// client's.
struct Lateness(Arc<AtomicU64>);

impl Lateness {
    fn watch() -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let seen = Arc::downgrade(&most);
        std::thread::spawn(move || {
            const TICK: Duration = Duration::from_millis(1);
            let mut before = std::time::Instant::now();
            while let Some(most) = seen.upgrade() {
                std::thread::sleep(TICK);
                let late = before.elapsed().saturating_sub(TICK);
                most.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
                before = std::time::Instant::now();
            }
        });
        Self(most)
    }

    fn most(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// The most memory that a process has used, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}
