//! A client that already has the page gets a 304.

use super::server::Server;

#[tokio::test]
async fn a_known_tag_gives_304_without_a_body() {
    let server = Server::start().await;
    let etag = server.get("/", "").await.header("etag").unwrap().to_owned();
    for condition in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"x,y\", {etag}"),
        "*".to_owned(),
        " * ".to_owned(),
    ] {
        for method in ["GET", "HEAD"] {
            let mut client = server.connect().await;
            client
                .send(format!(
                    "{method} / HTTP/1.1\r\nHost: a\r\nIf-None-Match: {condition}\r\n\r\n"
                ))
                .await;
            let reply = client.reply(false).await;
            assert_eq!(reply.status(), 304, "{method} {condition}");
            assert_eq!(reply.header("etag"), Some(etag.as_str()));
            assert_eq!(
                reply.header("cache-control"),
                Some("max-age=300, stale-while-revalidate=30, stale-if-error=86100")
            );
            assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
            assert_eq!(reply.header("age"), Some("0"));
            assert_eq!(reply.header("content-type"), None);
            assert_eq!(reply.header("content-length"), None);
            // The connection is still in sync: nothing of a body was sent.
            client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
            assert_eq!(client.reply(false).await.text(), "ok\n");
        }
    }
}

#[tokio::test]
async fn another_tag_gives_the_page() {
    let server = Server::start().await;
    let etag = server.get("/", "").await.header("etag").unwrap().to_owned();
    let of_csv = server
        .get("/", "Accept: text/csv\r\n")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    assert_ne!(etag, of_csv);
    for condition in ["\"other\"", of_csv.as_str(), "garbage", ""] {
        let reply = server.get("/", &format!("If-None-Match: {condition}\r\n")).await;
        assert_eq!(reply.status(), 200, "{condition}");
    }
    server.publish(996);
    let reply = server.get("/", &format!("If-None-Match: {etag}\r\n")).await;
    assert_eq!(reply.status(), 200, "the answer has changed");
}

#[tokio::test]
async fn a_probe_is_never_conditional() {
    let server = Server::start().await;
    assert_eq!(server.get("/readyz", "If-None-Match: *\r\n").await.status(), 200);
}
