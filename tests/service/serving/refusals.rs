//! Refused requests, and that a refused body is never read as the next request.

use wordtally::telemetry::RequestLabels;

use super::client::Client;
use super::server::Server;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Sends raw bytes and returns everything until the server closes.
async fn exchange(server: &Server, raw: impl AsRef<[u8]>) -> String {
    let mut client = server.connect().await;
    client.send(raw).await;
    client.rest().await
}

fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ")
        .skip(1)
        .map(|rest| rest[..3].parse().unwrap())
        .collect()
}

#[tokio::test]
async fn unknown_paths_are_404_in_the_accepted_format() {
    let server = Server::start().await;
    for path in ["/index.html", "//", "/healthz/", "/%2e", "/Healthz", "/../"] {
        assert_eq!(server.get(path, "").await.status(), 404, "{path}");
    }
    let json = server.get("/none", "Accept: application/json\r\n").await;
    assert_eq!(json.header("content-type"), Some("application/problem+json"));
    let problem: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(
        (&problem["title"], &problem["status"]),
        (&"Not Found".into(), &404.into())
    );
    assert_eq!(problem["detail"], "There is nothing here: the counts are at /.");
    assert_eq!(problem["request_id"], json.header("x-request-id").unwrap());
    assert_eq!(json.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn other_methods_are_405_with_allow() {
    let server = Server::start().await;
    for method in [
        "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "BREW",
    ] {
        let reply = server
            .request(&format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        assert_eq!(
            (reply.status(), reply.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
        assert_eq!(reply.header("connection"), None, "the connection goes on");
    }
    for line in ["CONNECT a:80 HTTP/1.1", "OPTIONS * HTTP/1.1"] {
        let reply = server.request(&format!("{line}\r\nHost: a:80\r\n\r\n")).await;
        assert_eq!(reply.status(), 405, "{line}");
    }
}

#[tokio::test]
async fn a_body_is_refused_and_never_read_as_a_request() {
    let server = Server::start().await;
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = smuggled.len();
    for (fields, status) in [
        (format!("Content-Length: {length}\r\n"), 413),
        (
            format!("Content-Length: {length}\r\nExpect: 100-continue\r\n"),
            413,
        ),
        (
            format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
            413,
        ),
        (format!("Content-Length: {length}\r\nContent-Length: 0\r\n"), 400),
        (format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), 400),
        (format!("Content-Length: {length}, {length}\r\n"), 400),
        (format!("Content-Length: +{length}\r\n"), 400),
        ("Content-Length: -1\r\n".to_owned(), 400),
        ("Content-Length: 99999999999999999999999\r\n".to_owned(), 400),
        ("Transfer-Encoding: chunked\r\n".to_owned(), 400),
        ("Transfer-Encoding: chunked, identity\r\n".to_owned(), 400),
        ("Transfer-Encoding: identity\r\n".to_owned(), 400),
        ("Transfer-Encoding: xchunked\r\n".to_owned(), 400),
        ("Transfer-Encoding:\x0bchunked\r\n".to_owned(), 400),
        ("Transfer-Encoding : chunked\r\n".to_owned(), 400),
        ("Transfer-Encoding: gzip, chunked\r\n".to_owned(), 400),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            400,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n".to_owned(),
            400,
        ),
        (
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            400,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
            400,
        ),
    ] {
        for method in ["GET", "POST"] {
            let raw = format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{smuggled}");
            let all = exchange(&server, raw).await;
            assert_eq!(statuses(&all), [status], "{method} {fields:?}: {all}");
        }
    }
    let old = format!("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}");
    assert!(
        exchange(&server, old).await.contains(" 400 "),
        "HTTP/1.0 has no chunks"
    );
}

#[tokio::test]
async fn a_length_of_zero_is_not_a_body() {
    let server = Server::start().await;
    assert_eq!(server.get("/", "Content-Length: 0\r\n").await.status(), 200);
}

#[tokio::test]
async fn exactly_one_sound_host_is_required() {
    let server = Server::start().await;
    for fields in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host:\r\n",
        "Host: a/b\r\n",
        "Host: a b\r\n",
        "Host: a, b\r\n",
        "Host: u@a\r\n",
    ] {
        let all = exchange(&server, format!("GET / HTTP/1.1\r\n{fields}\r\n")).await;
        assert_eq!(statuses(&all), [400], "{fields:?}: {all}");
        assert!(all.contains("connection: close"), "{all}");
    }
    for fields in [
        "Host: a.example:8080\r\n",
        "Host: [::1]:80\r\n",
        "hOST: 127.0.0.1\r\n",
    ] {
        let reply = server.request(&format!("GET / HTTP/1.1\r\n{fields}\r\n")).await;
        assert_eq!(reply.status(), 200, "{fields:?}");
    }
}

#[tokio::test]
async fn http_1_0_needs_no_host_and_gets_one_answer() {
    let server = Server::start().await;
    let all = exchange(&server, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(all.contains(" 200 ") && all.ends_with("ok\n"), "{all}");
    let twice = exchange(&server, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").await;
    assert!(twice.contains(" 400 "), "{twice}");
}

#[tokio::test]
async fn an_absolute_target_is_taken_by_its_path() {
    let server = Server::start().await;
    let reply = server
        .request("GET http://other/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!((reply.status(), reply.text()), (200, "ok\n"));
    let all = exchange(&server, "GET http://other/healthz HTTP/1.1\r\n\r\n").await;
    assert_eq!(statuses(&all), [400], "Host is still needed");
}

#[tokio::test]
async fn what_is_not_http_1_is_400_and_the_end() {
    let server = Server::start().await;
    let head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for raw in [
        "GET /\r\n\r\n".to_owned(),
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned(),
        "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET healthz HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        format!("{head}X: a\r\n folded\r\n\r\n"),
        format!("{head}X: a\0b\r\n\r\n"),
        format!("{head}X: a\rb\r\n\r\n"),
        format!("{head}no colon\r\n\r\n"),
        format!("{head} : x\r\n\r\n"),
        format!("{head}: x\r\n\r\n"),
    ] {
        let all = exchange(&server, format!("{raw}GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(statuses(&all), [400], "{raw:?}: {all}");
    }
}

#[tokio::test]
async fn a_bare_line_feed_ends_a_line_and_nothing_more() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .send("GET /healthz HTTP/1.1\nHost: a\n\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.reply(false).await.text(), "ok\n");
    assert_eq!(client.reply(false).await.text(), "ready\n");
}

#[tokio::test]
async fn too_long_a_target_is_414_and_too_much_head_431() {
    let server = Server::start().await;
    let long = "x".repeat(1025);
    let all = exchange(&server, format!("GET /?{long} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    assert_eq!(statuses(&all), [414]);
    let fits = "x".repeat(1023);
    assert_eq!(server.get(&format!("/?{fits}"), "").await.status(), 200);

    let many = "X: y\r\n".repeat(64);
    let all = exchange(&server, format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")).await;
    assert_eq!(statuses(&all), [431]);
    assert_eq!(server.get("/", &"X: y\r\n".repeat(63)).await.status(), 200);

    // Exactly as much as is read, so that no unread bytes turn the close into a reset.
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    let all = exchange(&server, format!("{head}{}", "x".repeat(16 * 1024 - head.len()))).await;
    assert_eq!(statuses(&all), [431]);
}

#[tokio::test]
async fn what_hyper_refuses_is_answered_and_counted_like_any_other_error() {
    let server = Server::start().await;
    let head = "GET / HTTP/1.1\r\nHost: a\r\n";
    let long = format!("{head}X: {}", "x".repeat(100_000));
    for (raw, status, sentence) in [
        ("nonsense\r\n\r\n".to_owned(), 400, "cannot be read"),
        (format!("{head}\0: b\r\n\r\n{head}\r\n"), 400, "cannot be read"),
        (format!("{head}{}\r\n", "X: y\r\n".repeat(64)), 431, "too large"),
        // More than is read, which a close would turn into a reset.
        (long, 431, "too large"),
    ] {
        let mut client = server.connect().await;
        client.send(HEALTH).await;
        assert_eq!(client.reply(false).await.status(), 200);
        client.send(&raw).await;
        let reply = client.reply(false).await;
        assert_eq!(reply.status(), status, "{raw:.80}");
        for (field, value) in [
            ("content-type", "text/plain; charset=utf-8"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("connection", "close"),
        ] {
            assert_eq!(reply.header(field), Some(value), "{field}");
        }
        assert!(reply.header("date").is_some_and(|date| date.ends_with(" GMT")));
        assert_eq!(reply.header("x-request-id").map(str::len), Some(16));
        assert!(reply.text().contains(sentence), "{}", reply.text());
        assert_eq!(client.rest().await, "", "nothing follows it");
    }
    for status in [400, 431] {
        let labels = RequestLabels {
            path: "other",
            status,
        };
        assert_eq!(
            server.metrics.requests.get_or_create(&labels).get(),
            2,
            "{status}"
        );
    }
}

/// hyper answers in the version of the previous request, and does not answer a preface of HTTP/2 at all.
#[tokio::test]
async fn what_hyper_refuses_is_answered_whatever_the_version() {
    let server = Server::start().await;
    let old = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    for (first, raw) in [
        (old, "nonsense\r\n\r\n"),
        (HEALTH, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let mut client = server.connect().await;
        client.send(first).await;
        assert_eq!(client.reply(false).await.status(), 200);
        client.send(raw).await;
        let reply = client.reply(false).await;
        assert_eq!(reply.status(), 400, "{raw}");
        assert_eq!(reply.header("connection"), Some("close"));
        assert_eq!(reply.header("x-request-id").map(str::len), Some(16), "{raw}");
        assert_eq!(client.rest().await, "", "nothing follows it");
    }
    let all = exchange(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(statuses(&all), [400], "{all}");
}

#[tokio::test]
async fn the_server_goes_on_after_garbage() {
    let server = Server::start().await;
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let noise: Vec<u8> = (0..random.usize(1..600)).map(|_| random.u8(..)).collect();
        let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &noise)
            .await
            .unwrap();
        // Our end is closed, so that the server does not wait for the rest of what looks like a request.
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        let all = Client::new(stream).rest().await;
        assert!(all.is_empty() || statuses(&all) == [400], "{seed}: {all}");
    }
    assert_eq!(server.get("/", "").await.status(), 200);
}
