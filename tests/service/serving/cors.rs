//! Which pages of other origins may read the responses.

use super::server::Server;

const PREFLIGHT: &str =
    "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: if-none-match\r\n";

#[tokio::test]
async fn without_the_option_nothing_is_open() {
    let server = Server::start().await;
    let reply = server.get("/", "Origin: https://a.example\r\n").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"));
    assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
    let preflight = format!("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n{PREFLIGHT}\r\n");
    assert_eq!(server.request(&preflight).await.status(), 405);
}

#[tokio::test]
async fn a_star_opens_the_answers_and_errors_to_each_page() {
    let server = Server::open_to(&["*"]).await;
    let etag = server.get("/", "").await.header("etag").unwrap().to_owned();
    for (path, fields, status) in [
        ("/", String::new(), 200),
        ("/", format!("If-None-Match: {etag}\r\n"), 304),
        ("/counts.csv", String::new(), 200),
        ("/openapi.json", String::new(), 200),
        ("/?format=xls", String::new(), 400),
        ("/none", String::new(), 404),
    ] {
        for origin in ["", "Origin: https://a.example\r\n"] {
            let reply = server.get(path, &format!("{fields}{origin}")).await;
            assert_eq!(reply.status(), status, "{path}");
            assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{path}");
            assert_eq!(
                reply.header("access-control-expose-headers"),
                Some("age, etag, retry-after, x-request-id")
            );
            assert_eq!(reply.header("cross-origin-resource-policy"), Some("cross-origin"));
            // It is the same for every origin.
            assert!(
                !reply.header("vary").unwrap_or_default().contains("origin"),
                "{path}"
            );
        }
    }
    for path in ["/metrics", "/readyz", "/healthz", "/livez"] {
        let reply = server.get(path, "Origin: https://a.example\r\n").await;
        assert_eq!(reply.header("access-control-allow-origin"), None, "{path}");
        assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"));
    }
}

#[tokio::test]
async fn a_list_opens_them_only_to_its_origins() {
    let server = Server::open_to(&["https://a.example", "http://localhost:3000"]).await;
    for (origin, allowed) in [
        ("https://a.example", true),
        ("http://localhost:3000", true),
        ("https://a.example:444", false),
        ("https://A.example", false),
        ("https://b.example", false),
        ("null", false),
        ("", false),
    ] {
        let field = if origin.is_empty() {
            String::new()
        } else {
            format!("Origin: {origin}\r\n")
        };
        for (path, vary) in [
            ("/", "accept, accept-encoding, origin"),
            ("/counts.json", "accept-encoding, origin"),
            ("/none", "accept, origin"),
        ] {
            let reply = server.get(path, &field).await;
            let expected = allowed.then_some(origin);
            assert_eq!(reply.header("access-control-allow-origin"), expected, "{origin}");
            assert_eq!(reply.header("vary"), Some(vary), "{origin} {path}");
            let policy = if allowed { "cross-origin" } else { "same-origin" };
            assert_eq!(reply.header("cross-origin-resource-policy"), Some(policy));
        }
    }
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_is_answered() {
    let server = Server::open_to(&["https://a.example"]).await;
    let ask = |target: &str, fields: &str| format!("OPTIONS {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let allowed = format!("Origin: https://a.example\r\n{PREFLIGHT}");
    let mut client = server.connect().await;
    client.send(ask("/counts.json", &allowed)).await;
    // It has no body, and no Content-Length.
    let reply = client.reply(true).await;
    assert_eq!(reply.status(), 204);
    for (field, value) in [
        ("access-control-allow-origin", Some("https://a.example")),
        ("access-control-allow-methods", Some("GET, HEAD")),
        (
            "access-control-allow-headers",
            Some("if-none-match, traceparent, x-request-id"),
        ),
        ("access-control-max-age", Some("7200")),
        ("cache-control", Some("no-store")),
        ("vary", Some("origin")),
        ("content-length", None),
        ("content-type", None),
    ] {
        assert_eq!(reply.header(field), value, "{field}");
    }
    client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.reply(false).await.text(), "ok\n");

    let other = format!("Origin: https://b.example\r\n{PREFLIGHT}");
    for (target, fields) in [
        ("/", other.as_str()),
        ("/", "Origin: https://a.example\r\n"),
        ("/", PREFLIGHT),
        ("*", allowed.as_str()),
        ("/metrics", allowed.as_str()),
    ] {
        let reply = server.request(&ask(target, fields)).await;
        assert_eq!(reply.status(), 405, "{target} {fields}");
        assert_eq!(reply.header("access-control-allow-methods"), None);
    }
    let with_body = ask("/", &format!("{allowed}Content-Length: 3\r\n"));
    assert_eq!(server.request(&with_body).await.status(), 413);
}
