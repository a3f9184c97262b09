//! Responses before the first answer, while BigQuery fails, and after an answer has become too old.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use wordtally::cache::Failure;
use wordtally::reason::Reason;
use wordtally::server::Limits;

use super::client::Client;
use super::server::{Server, short};

fn fail(server: &Server, wait: Duration) {
    server.cache.fail(Failure {
        reason: Reason::Denied,
        retry_at: server.cache.clock.now() + wait,
    });
}

#[tokio::test]
async fn a_request_waits_for_the_first_answer() {
    let server = Server::without_answer(short());
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(Duration::from_millis(50)).await;
    server.publish(995);
    let reply = client.reply(false).await;
    assert_eq!(reply.status(), 200);
    // It is slow enough to be an exemplar in the metrics, which has an ID. A cache may keep the page for others.
    assert_eq!(reply.header("x-request-id"), None);
}

/// A client that closes its sending side after its requests.
async fn half_closed(server: &Server, requests: &str) -> Client<TcpStream> {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(requests.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    Client::new(stream)
}

#[tokio::test]
async fn a_client_that_sends_no_more_gets_the_responses_it_waits_for() {
    let server = Server::without_answer(Limits {
        first_answer: Duration::from_secs(5),
        ..short()
    });
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut one = half_closed(&server, get).await;
    let mut three = half_closed(&server, &get.repeat(3)).await;
    sleep(Duration::from_millis(500)).await;
    server.publish(995);
    assert_eq!(one.reply(false).await.status(), 200);
    for _ in 0..3 {
        assert_eq!(three.reply(false).await.status(), 200);
    }
    for mut client in [one, three] {
        let (took, rest) = client.closed_after().await;
        assert!(
            rest.is_empty() && took < Duration::from_millis(200),
            "{took:?} {rest}"
        );
    }
}

#[tokio::test]
async fn a_client_that_sends_no_more_and_waits_for_nothing_is_closed_at_once() {
    let server = Server::without_answer(Limits {
        head_read: Duration::from_secs(5),
        ..short()
    });
    for sent in ["", "GET / HTTP/1.1\r\nHo"] {
        let (took, rest) = half_closed(&server, sent).await.closed_after().await;
        assert!(
            rest.is_empty() && took < Duration::from_millis(500),
            "{took:?} {rest}"
        );
    }
}

#[tokio::test]
async fn the_wait_for_the_first_answer_ends() {
    let begun = Instant::now();
    let server = Server::without_answer(short());
    let reply = server.get("/", "").await;
    assert_eq!((reply.status(), reply.header("retry-after")), (503, Some("1")));
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_millis(290) && waited < Duration::from_secs(2),
        "{waited:?}"
    );
    // The wait is measured from the start: while BigQuery is down no later request waits.
    let begun = Instant::now();
    assert_eq!(server.get("/", "").await.status(), 503);
    let waited = begun.elapsed();
    assert!(waited < Duration::from_millis(150), "{waited:?}");
    server.publish(995);
    assert_eq!(server.get("/", "").await.status(), 200);
}

#[tokio::test]
async fn without_an_answer_the_client_learns_when_and_not_why() {
    let server = Server::without_answer(short());
    fail(&server, Duration::from_millis(7300));
    for accept in ["text/html", "application/json", "text/csv"] {
        let reply = server.get("/", &format!("Accept: {accept}\r\n")).await;
        assert_eq!(reply.status(), 503);
        assert_eq!(reply.header("retry-after"), Some("8"), "rounded up");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(
            reply
                .text()
                .contains("not available yet. Try again in 8 seconds."),
            "{}",
            reply.text()
        );
        assert!(!reply.text().contains("credential"), "{}", reply.text());
    }
    fail(&server, Duration::ZERO);
    let reply = server.get("/", "").await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(reply.text().contains("in 1 second."), "{}", reply.text());
}

#[tokio::test]
async fn a_stale_answer_is_served_through_a_failure() {
    let server = Server::without_answer(short());
    server.publish_aged(995, Duration::from_secs(4000));
    // While the next job runs, nothing is wrong yet.
    assert!(!server.get("/", "").await.text().contains("Not up to date."));
    fail(&server, Duration::from_secs(9));
    let reply = server.get("/", "").await;
    assert_eq!((reply.status(), reply.header("age")), (200, Some("4000")));
    assert!(reply.text().contains("Not up to date."));
    // A failed refresh that began early leaves an answer that is still fresh.
    server.publish_aged(995, Duration::ZERO);
    fail(&server, Duration::from_secs(9));
    assert!(!server.get("/", "").await.text().contains("Not up to date."));
    assert_eq!(server.get("/readyz", "").await.status(), 200);
}

#[tokio::test]
async fn readiness_follows_the_answer_and_says_why_not() {
    let server = Server::without_answer(short());
    let reply = server.get("/readyz", "").await;
    assert_eq!(reply.status(), 503);
    assert!(
        reply.text().contains("an answer is being fetched"),
        "{}",
        reply.text()
    );
    fail(&server, Duration::from_secs(3));
    let reply = server.get("/readyz", "").await;
    assert_eq!((reply.status(), reply.header("retry-after")), (503, Some("3")));
    assert!(
        reply.text().contains(Reason::Denied.sentence()),
        "{}",
        reply.text()
    );
    assert_eq!(
        server.get("/healthz", "").await.text(),
        "ok\n",
        "it is still alive"
    );
    server.publish(995);
    assert_eq!(server.get("/readyz", "").await.status(), 200);
    server.publish_aged(995, Duration::from_secs(86_401));
    fail(&server, Duration::from_secs(3));
    assert_eq!(server.get("/readyz", "").await.status(), 503, "too old to serve");
    assert_eq!(server.get("/", "").await.status(), 503);
}

#[tokio::test]
async fn metrics_count_requests_by_path_and_status() {
    let server = Server::start().await;
    for path in ["/", "/", "/none", "/none2", "/healthz"] {
        server.get(path, "").await;
    }
    server.get("/", "If-None-Match: *\r\n").await;
    let reply = server.get("/metrics", "").await;
    assert_eq!(
        reply.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    for line in [
        "wordtally_http_requests_total{path=\"/\",status=\"200\"} 2",
        "wordtally_http_requests_total{path=\"/\",status=\"304\"} 1",
        "wordtally_http_requests_total{path=\"other\",status=\"404\"} 2",
        "wordtally_http_requests_total{path=\"/healthz\",status=\"200\"} 1",
        "# EOF",
    ] {
        assert!(
            reply.text().lines().any(|found| found == line),
            "{line}\n{}",
            reply.text()
        );
    }
}
