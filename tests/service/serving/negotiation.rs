//! Which format a client gets, and with which header fields.

use std::time::Duration;

use wordtally::render::{FORMATS, csv, html, json, markdown, text};
use wordtally::server::Limits;

use super::client::Reply;
use super::server::{Server, body};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

#[tokio::test]
async fn each_format_is_served_as_asked() {
    let server = Server::start().await;
    for (accept, format, content_type) in [
        (BROWSER, &html::FORMAT, "text/html; charset=utf-8"),
        ("*/*", &html::FORMAT, "text/html; charset=utf-8"),
        ("application/json", &json::FORMAT, "application/json"),
        (
            "text/csv",
            &csv::FORMAT,
            "text/csv; charset=utf-8; header=present",
        ),
        (
            "TEXT/Markdown;q=0.3",
            &markdown::FORMAT,
            "text/markdown; charset=utf-8",
        ),
        (
            "image/png, text/plain; charset=utf-8",
            &text::FORMAT,
            "text/plain; charset=utf-8",
        ),
        (
            "text/html;q=0.4, application/json;q=0.5",
            &json::FORMAT,
            "application/json",
        ),
    ] {
        let reply = server.get("/", &format!("Accept: {accept}\r\n")).await;
        assert_eq!(reply.status(), 200, "{accept}");
        assert_eq!(reply.header("content-type"), Some(content_type), "{accept}");
        assert_eq!(reply.body, body(format, 995), "{accept}");
    }
}

#[tokio::test]
async fn without_accept_it_is_html_and_several_lines_are_one_list() {
    let server = Server::start().await;
    assert_eq!(server.get("/", "").await.body, body(&html::FORMAT, 995));
    let two = "Accept: image/png\r\nAccept: text/csv\r\n";
    assert_eq!(server.get("/", two).await.body, body(&csv::FORMAT, 995));
}

#[tokio::test]
async fn nothing_acceptable_is_a_406_that_lists_what_there_is() {
    let server = Server::start().await;
    let reply = server.get("/", "Accept: image/png, text/*;q=0\r\n").await;
    assert_eq!(reply.status(), 406);
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    for format in FORMATS {
        assert!(reply.text().contains(format.media_type()), "{}", reply.text());
    }
    assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
}

#[tokio::test]
async fn a_page_says_how_old_and_how_long_good_it_is() {
    let server = Server::start().await;
    server.publish_aged(1, Duration::from_secs(1234));
    let reply = server.get("/", "").await;
    assert_eq!(reply.header("age"), Some("1234"));
    assert_eq!(
        reply.header("cache-control"),
        Some("max-age=300, stale-while-revalidate=30, stale-if-error=86100")
    );
    assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
    assert!(reply.header("date").is_some());
    assert!(reply.header("etag").unwrap().starts_with('"'));
}

#[tokio::test]
async fn every_response_is_secured_as_its_format_needs_it() {
    let server = Server::start().await;
    let text = "Accept: text/plain\r\n";
    for (path, fields, is_html) in [
        ("/", "", true),
        ("/none", "", true),
        ("/", text, false),
        ("/", "Accept: application/json\r\n", false),
        ("/none", text, false),
        ("/healthz", "", false),
        ("/readyz", "", false),
        ("/metrics", "", false),
    ] {
        let reply = server.get(path, fields).await;
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            Some("same-origin"),
            "{path}"
        );
        // These concern what a page loads, links to and is framed by.
        let referrer = reply.header("referrer-policy");
        assert_eq!(referrer, is_html.then_some("no-referrer"), "{path} {fields}");
        let policy = reply.header("content-security-policy");
        assert_eq!(policy.is_some(), is_html, "{path} {fields}");
        if let Some(policy) = policy {
            assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
            assert!(!policy.contains("script-src"), "{path}: {policy}");
        }
    }
}

#[tokio::test]
async fn a_query_that_is_not_ours_changes_nothing() {
    let server = Server::start().await;
    assert_eq!(server.get("/?x=1", "").await.body, body(&html::FORMAT, 995));
    assert_eq!(server.get("/healthz?format=x", "").await.status(), 200);
}

#[tokio::test]
async fn head_gives_the_fields_of_get_without_the_body() {
    let server = Server::start().await;
    for path in ["/", "/healthz", "/none"] {
        let mut client = server.connect().await;
        client
            .send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let head = client.reply(true).await;
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        // A body after HEAD would precede this head.
        let get = client.reply(false).await;
        assert_eq!(head.status(), get.status());
        for field in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.header(field), get.header(field), "{path} {field}");
        }
        assert_eq!(
            get.header("content-length"),
            Some(get.body.len().to_string().as_str())
        );
    }
}

/// A cache serves one page to many clients.
#[tokio::test]
async fn a_page_has_no_id_of_its_own_though_it_was_waited_for() {
    let server = Server::without_answer(Limits::default());
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.publish(995);
    let reply = client.reply(false).await;
    assert_eq!((reply.status(), reply.header("x-request-id")), (200, None));
    let metrics = server.metrics.render().unwrap();
    assert!(metrics.contains("# {request_id="), "it is an example: {metrics}");
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_an_error_has_one_anyway() {
    let server = Server::start().await;
    let id = |reply: &Reply| reply.header("x-request-id").unwrap().to_owned();
    for path in ["/", "/none"] {
        assert_eq!(
            id(&server.get(path, "X-Request-Id: a.B-3_z\r\n").await),
            "a.B-3_z"
        );
    }
    let long = "x".repeat(65);
    let mut made = vec![id(&server.get("/none", "").await)];
    for bad in ["a b", "", "\u{e9}", "<b>", &long] {
        let field = format!("X-Request-Id: {bad}\r\n");
        assert_eq!(server.get("/", &field).await.header("x-request-id"), None);
        made.push(id(&server.get("/none", &field).await));
    }
    for id in &made {
        assert!(
            id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 6, "an id came twice");
}
