//! Pages in gzip, for clients that accept it.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use wordtally::render::{FORMATS, html, json};

use super::client::Reply;
use super::server::{Server, body, short};

/// The bytes as decompressed by `gzip`, and not by the library that compressed them.
fn unzipped(body: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    gzip.stdin.take().unwrap().write_all(body).unwrap();
    let mut plain = Vec::new();
    gzip.stdout.take().unwrap().read_to_end(&mut plain).unwrap();
    assert!(gzip.wait().unwrap().success());
    plain
}

fn tag(reply: &Reply) -> &str {
    reply.header("etag").unwrap()
}

#[tokio::test]
async fn each_page_that_gzip_makes_shorter_is_served_in_gzip() {
    let server = Server::start().await;
    for format in FORMATS {
        let accept = format!("Accept: {}\r\n", format.media_type());
        let plain = server.get("/", &accept).await;
        let fields = format!("{accept}Accept-Encoding: gzip, deflate, br, zstd\r\n");
        let reply = server.get("/", &fields).await;
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.header("content-type"), plain.header("content-type"));
        for reply in [&reply, &plain] {
            assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
        }
        assert_eq!(plain.header("content-encoding"), None);
        if plain.body.len() < 256 {
            assert_eq!(reply.header("content-encoding"), None, "{format:?}");
            assert_eq!((&reply.body, tag(&reply)), (&plain.body, tag(&plain)));
        } else {
            assert_eq!(reply.header("content-encoding"), Some("gzip"), "{format:?}");
            assert!(reply.body.len() < plain.body.len());
            assert_eq!(unzipped(&reply.body), body(format, 995));
            assert_ne!(tag(&reply), tag(&plain), "a tag per encoding");
        }
    }
}

#[tokio::test]
async fn accept_encoding_is_obeyed() {
    let server = Server::start().await;
    for (field, encoding) in [
        ("gzip;q=0.1", Some("gzip")),
        ("*", Some("gzip")),
        ("br, X-GZIP", Some("gzip")),
        ("gzip, identity;q=0", Some("gzip")),
        ("br, zstd", None),
        ("gzip;q=0, *", None),
        ("identity, gzip;q=0.5", None),
    ] {
        let reply = server.get("/", &format!("Accept-Encoding: {field}\r\n")).await;
        assert_eq!(
            (reply.status(), reply.header("content-encoding")),
            (200, encoding),
            "{field}"
        );
    }
    let two = server
        .get("/", "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n")
        .await;
    assert_eq!(two.header("content-encoding"), Some("gzip"));
    for refused in ["identity;q=0", "*;q=0", "br, *;q=0"] {
        let reply = server.get("/", &format!("Accept-Encoding: {refused}\r\n")).await;
        assert_eq!(
            (reply.status(), reply.header("content-encoding")),
            (406, None),
            "{refused}"
        );
        assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
    }
    // It is so short that it does not exist in gzip.
    let only_gzip = "Accept: text/csv\r\nAccept-Encoding: gzip, identity;q=0\r\n";
    assert_eq!(server.get("/", only_gzip).await.status(), 406);
}

#[tokio::test]
async fn a_condition_is_about_the_encoding_that_is_asked_for() {
    let server = Server::start().await;
    let gzip = "Accept-Encoding: gzip\r\n";
    let (plain, zipped) = (server.get("/", "").await, server.get("/", gzip).await);
    for (fields, known, status) in [
        ("", tag(&plain), 304),
        (gzip, tag(&zipped), 304),
        ("", tag(&zipped), 200),
        (gzip, tag(&plain), 200),
    ] {
        let raw = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}If-None-Match: {known}\r\n\r\n");
        let reply = server.request(&raw).await;
        assert_eq!(reply.status(), status, "{raw}");
        if status == 304 {
            assert_eq!((tag(&reply), reply.header("content-encoding")), (known, None));
        }
    }
}

#[tokio::test]
async fn head_has_the_fields_of_get_in_gzip() {
    let server = Server::start().await;
    let rest = "/ HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";
    let head = server.request(&format!("HEAD {rest}")).await;
    let get = server.request(&format!("GET {rest}")).await;
    for field in ["content-length", "content-encoding", "etag", "vary"] {
        assert_eq!(head.header(field), get.header(field), "{field}");
    }
    assert_eq!(head.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn errors_and_probes_are_never_encoded() {
    let server = Server::without_answer(short());
    for path in ["/", "/none", "/healthz", "/metrics"] {
        let reply = server.get(path, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(reply.header("content-encoding"), None, "{path}");
    }
}

#[tokio::test]
async fn the_same_answer_has_the_same_bytes_and_tag_in_gzip() {
    let (one, two) = (Server::start().await, Server::start().await);
    for format in [&html::FORMAT, &json::FORMAT] {
        let fields = format!("Accept: {}\r\nAccept-Encoding: gzip\r\n", format.media_type());
        let (one, two) = (one.get("/", &fields).await, two.get("/", &fields).await);
        assert_eq!((tag(&one), &one.body), (tag(&two), &two.body));
    }
}
