//! With the feature `otlp`, each refresh is a trace at an OpenTelemetry collector, and a collector cannot harm the
//! service. The tests run cargo's own build, because the released program does not have the feature.

use std::time::Duration;

use bigquery_standin::faults::{Kind, Target};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use crate::echoing_upstream::*;
use crate::google::*;
use crate::instance::*;

/// A process that ends within this time did not wait for a collector.
const IN_TIME: Duration = Duration::from_secs(4);
/// The name of the sending thread, as truncated by the kernel.
const THREAD: &str = "OpenTelemetry.T";

async fn start(serve: &Serve) -> Instance {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordtally"));
    command.env_clear().kill_on_drop(true);
    serve.apply(&mut command);
    Instance::spawn(command).await
}

/// A collector, and a service that sends its spans to it.
async fn collector(serve: Serve) -> (TcpListener, Serve) {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let serve = serve
        .environment("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .environment("OTEL_BSP_SCHEDULE_DELAY", "50");
    (collector, serve)
}

/// One request on the socket: its head and its body.
async fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (head, body)
}

/// Accepts requests and answers them with success until the check on all spans so far holds.
async fn received(collector: &TcpListener, check: impl Fn(&[Span]) -> bool) -> (String, Vec<Span>, Vec<u8>) {
    let (mut spans, mut bytes) = (Vec::new(), Vec::new());
    let receive = async {
        loop {
            let (mut stream, _) = collector.accept().await.unwrap();
            let (head, body) = request(&mut stream).await;
            let good = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(good).await.unwrap();
            spans.extend(spans_of(&body));
            bytes.extend(body);
            if check(&spans) {
                return head;
            }
        }
    };
    match timeout(PATIENCE, receive).await {
        Ok(head) => (head, spans, bytes),
        Err(_) => panic!("not the spans that were to come: {spans:#?}"),
    }
}

/// The part of `opentelemetry.proto.trace.v1.Span` that the test reads.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    /// The content of its attributes and events.
    text: String,
    failed: bool,
}

/// The spans in an `ExportTraceServiceRequest`.
fn spans_of(body: &[u8]) -> Vec<Span> {
    let resources = all(body, 1);
    let scopes = resources.iter().flat_map(|resource| all(resource, 2));
    scopes
        .flat_map(|scope| all(scope, 2))
        .map(|span| {
            let one = |number| {
                all(span, number)
                    .first()
                    .map(|bytes| bytes.to_vec())
                    .unwrap_or_default()
            };
            let parts: Vec<_> = [9, 11].iter().flat_map(|number| all(span, *number)).collect();
            Span {
                trace: one(1),
                id: one(2),
                parent: one(4),
                name: String::from_utf8(one(5)).unwrap(),
                text: String::from_utf8_lossy(&parts.concat()).into_owned(),
                failed: one(15) == [3 << 3, 2],
            }
        })
        .collect()
}

/// The fields with this number in a Protocol Buffers message: those with a length, or of 64 bits.
fn all(mut message: &[u8], number: u64) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let length = match tag & 7 {
            0 => {
                varint(&mut message);
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let field;
        (field, message) = message.split_at(length);
        if tag >> 3 == number {
            found.push(field);
        }
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = message[0];
        *message = &message[1..];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn refreshes(spans: &[Span]) -> Vec<&Span> {
    spans.iter().filter(|span| span.name == "refresh").collect()
}

#[tokio::test]
async fn a_refresh_is_a_trace_with_a_span_for_each_step() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Incomplete { polls: 1 });
    let serve = Serve::from(&google)
        .flag("--timeout", "1500ms")
        .environment("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=a-key-of-the-collectors")
        .environment("OTEL_SERVICE_NAME", "the-word-the");
    let (collector, serve) = collector(serve).await;
    let instance = start(&serve).await;
    let logged = instance.logged("answer refreshed", |_| true).await;
    // It arrives now, and not when the next refresh begins in five minutes.
    let (head, spans, bytes) = received(&collector, |spans| !refreshes(spans).is_empty()).await;
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("\r\nx-api-key: a-key-of-the-collectors\r\n"),
        "{head}"
    );
    assert!(String::from_utf8_lossy(&bytes).contains("the-word-the"));

    let refresh = refreshes(&spans)[0];
    assert_eq!((refresh.trace.len(), refresh.id.len()), (16, 8), "{refresh:#?}");
    assert!(refresh.parent.is_empty() && !refresh.failed, "{refresh:#?}");
    let job = logged["span"]["job"].as_str().unwrap();
    for part in [
        job,
        logged["span"]["refresh_id"].as_str().unwrap(),
        "answer refreshed",
    ] {
        assert!(refresh.text.contains(part), "no {part} in {refresh:#?}");
    }
    let steps: Vec<&Span> = spans.iter().filter(|span| span.parent == refresh.id).collect();
    for name in ["token", "job", "wait"] {
        assert!(
            steps.iter().any(|step| step.name == name),
            "no {name} in {spans:#?}"
        );
    }
    for step in steps {
        assert_eq!(step.trace, refresh.trace, "{step:#?}");
        assert!(step.name == "token" || step.text.contains(job), "{step:#?}");
    }

    google.always(Target::Query, Kind::Reset);
    instance.signal("HUP");
    let failed = |spans: &[Span]| refreshes(spans).iter().any(|span| span.failed);
    let (_, spans, _) = received(&collector, failed).await;
    let failed = refreshes(&spans).into_iter().find(|span| span.failed).unwrap();
    assert!(failed.trace != refresh.trace, "one trace for two refreshes");
    assert!(failed.text.contains("refresh failed"), "{failed:#?}");
}

#[tokio::test]
async fn no_secret_is_in_a_span() {
    let upstream = Upstream::start(Echo::Query);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("credential.json");
    std::fs::write(&path, authorized_user(&upstream).to_string()).unwrap();
    let serve = Serve::new()
        .flag("--project", "my-project")
        .flag("--timeout", "2s")
        .flag("--bigquery-endpoint", upstream.url.as_str())
        .flag("--credentials", &path);
    let (collector, serve) = collector(serve).await;
    let _instance = start(&serve).await;
    let (_, _, bytes) = received(&collector, |spans| refreshes(spans).len() >= 3).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("[redacted]"), "it was not echoed: {text}");
    holds_nothing_of(ACCESS_TOKEN, &text);
}

#[tokio::test]
async fn a_collector_that_reads_nothing_delays_nothing() {
    let google = Google::start().await;
    // The kernel accepts the connection, and nothing responds on it.
    let (_collector, serve) = collector(Serve::from(&google).flag("--ttl", "1s")).await;
    let instance = start(&serve).await;
    instance.answer().await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        assert_eq!(instance.get("/").await.status(), 200);
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "a request waited for it"
        );
        sleep(Duration::from_millis(50)).await;
    }
    assert!(
        instance.lines("answer refreshed").len() >= 2,
        "refreshes wait for it"
    );
    timeout(IN_TIME, instance.stop())
        .await
        .expect("the end waits for it");
}

#[tokio::test]
async fn a_collector_that_fails_is_one_line_a_minute() {
    let google = Google::start().await;
    let (collector, serve) = collector(Serve::from(&google).flag("--ttl", "1s")).await;
    drop(collector);
    let instance = start(&serve).await;
    let line = instance.logged("cannot send spans", |_| true).await;
    assert_eq!(line["level"], "WARN");
    assert!(line["cause"].as_str().unwrap().contains("refused"), "{line}");
    eventually("more refreshes", async || {
        (instance.lines("answer refreshed").len() >= 4).then_some(())
    })
    .await;
    assert_eq!(instance.lines("cannot send spans").len(), 1);
    assert_eq!(instance.lines("a panic").len(), 0);
}

/// Whether the process has the sending thread.
fn sends(instance: &Instance) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", instance.pid())).unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .any(|name| name.trim() == THREAD)
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_sent_and_a_bad_one_is_refused() {
    let google = Google::start().await;
    for (endpoint, expected) in [
        (None, false),
        (Some(""), false),
        (Some("http://127.0.0.1:9"), true),
    ] {
        let mut serve = Serve::from(&google);
        if let Some(endpoint) = endpoint {
            serve = serve.environment("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        }
        assert_eq!(sends(&start(&serve).await), expected, "{endpoint:?}");
    }
    for endpoint in ["127.0.0.1:4318", "grpc://collector:4317", "http://"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wordtally"));
        let serve = Serve::from(&google).environment("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        serve.apply(command.env_clear());
        let (code, said) = run(&mut command).await;
        assert_eq!(
            (code, said.as_str()),
            (
                Some(1),
                "wordtally: cannot start the log: invalid OTEL_EXPORTER_OTLP_ENDPOINT: expected an http or https address, e.g. http://127.0.0.1:4318\n"
            )
        );
    }
}
