//! The list of all words, with real instances; and the pages that a reverse proxy serves itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::google::Google;
use crate::instance::*;

/// Writes a site of these words, each with its instance's address.
fn site(folder: &Path, words: &[(&str, SocketAddr)]) -> PathBuf {
    let words: Vec<Value> = words
        .iter()
        .map(|(word, address)| json!({"word": word, "url": format!("/{word}/"), "address": address.to_string()}))
        .collect();
    let path = folder.join("site.json");
    std::fs::write(&path, json!({"index": "/", "words": words}).to_string()).unwrap();
    path
}

fn index_of(site: &Path) -> Command {
    let mut command = binary();
    command
        .args(["index", "--listen", "127.0.0.1:0", "--site"])
        .arg(site);
    command
}

/// The index's entry of each word, and its entity tag.
async fn listed(index: &Instance) -> (Vec<Value>, String) {
    let reply = index.get_as("/", "application/json").await;
    assert_eq!(reply.status(), 200);
    let document: Value = serde_json::from_slice(reply.body()).unwrap();
    let tag = reply.header("etag").unwrap().to_owned();
    (document["words"].as_array().unwrap().clone(), tag)
}

/// An address on which nothing listens.
fn nobody() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn it_shows_each_words_total_and_which_word_is_away() {
    let google = Google::start().await;
    let the = Serve::from(&google).start().await;
    let love = Serve::from(&google).flag("--word", "love").start().await;
    let (the_counts, love_counts) = (the.answer().await, love.answer().await);
    let words = [
        ("the", the.address()),
        ("love", love.address()),
        ("hate", nobody()),
        // The instance there counts another word.
        ("king", the.address()),
    ];
    let index = Instance::spawn(index_of(&site(google.directory.path(), &words))).await;

    let (rows, tag) = listed(&index).await;
    for (row, counts) in rows.iter().zip([&the_counts, &love_counts]) {
        assert_eq!(row["state"], "counted", "{row}");
        assert_eq!(row["word"], counts["word"]);
        assert_eq!(row["total_words"], counts["total_words"]);
        assert_eq!(row["as_of"], counts["as_of"]);
        assert_eq!(row["corpora"], counts["counts"].as_array().unwrap().len());
    }
    for (row, word) in rows[2..].iter().zip(["hate", "king"]) {
        assert_eq!(
            row,
            &json!({"word": word, "url": format!("/{word}/"), "state": "unavailable"})
        );
        let line = index
            .logged("a word is not available", |line| line["word"] == word)
            .await;
        assert_eq!(line["level"], "WARN");
    }
    let page = index.get_as("/", "text/html").await;
    assert!(page.header("content-security-policy").is_some());
    // The same as for instances: fields that do not vary are not listed.
    assert_eq!(page.header("cache-control"), Some("max-age=10"));
    for (word, _) in words {
        assert!(page.text().contains(&format!("href=\"/{word}/\"")), "{word}");
    }
    // By a link, in the formats that exist.
    let linked = index.get("/?format=json").await;
    assert_eq!(linked.header("content-type"), Some("application/json"));
    assert_eq!(linked.header("vary"), Some("accept-encoding"));
    let text = index.get("/?format=txt").await;
    assert_eq!(text.text().lines().count(), words.len(), "{}", text.text());
    for none in ["/?format=csv", "/?format=xls"] {
        assert_eq!(index.get(none).await.status(), 400, "{none}");
    }
    // As with an instance, an error has the form of the format that the address names.
    let error = index.get("/?format=json&order=x").await;
    assert_eq!(error.status(), 400);
    assert_eq!(error.header("content-type"), Some("application/problem+json"));
    assert_eq!(index.get("/readyz").await.text(), "ready\n");
    let nothing = index.get_as("/the/a/b", "text/html").await;
    assert_eq!(nothing.status(), 404);
    assert!(nothing.text().contains("href=\"../../\""), "{}", nothing.text());

    // The next round notices it; its list has another tag.
    love.stop().await;
    eventually("love to be away", async || {
        let (rows, other) = listed(&index).await;
        (rows[1]["state"] == "unavailable").then(|| assert_ne!(other, tag))
    })
    .await;
    assert_eq!(listed(&index).await.0[0], rows[0]);
    // Only changes are logged, not every round.
    assert_eq!(index.lines("a word is not available").len(), 3);
    index.stop().await;
}

#[tokio::test]
async fn a_page_links_to_its_neighbours_as_the_site_is_at_each_refresh() {
    let google = Google::start().await;
    let folder = google.directory.path();
    let path = site(folder, &[("a", nobody()), ("the", nobody()), ("z", nobody())]);
    let serve = Serve::from(&google).flag("--site", &path);
    let instance = serve.start().await;
    instance.answer().await;
    let links = async |one: &str, other: &str| {
        eventually("the links", async || {
            let page = instance.get_as("/", "text/html").await;
            assert_eq!(page.status(), 200);
            let has = |relation, word| {
                page.text()
                    .contains(&format!("<a rel=\"{relation}\" href=\"/{word}/\""))
            };
            (has("prev", one) && has("next", other)).then_some(())
        })
        .await;
    };
    links("a", "z").await;

    // Added while the instance runs, and read at the next refresh.
    site(
        folder,
        &[
            ("a", nobody()),
            ("b", nobody()),
            ("the", nobody()),
            ("z", nobody()),
        ],
    );
    instance.signal("HUP");
    links("b", "z").await;

    std::fs::write(&path, "{").unwrap();
    instance.signal("HUP");
    let line = instance.logged("keeping the last good site", |_| true).await;
    assert!(line["cause"].as_str().unwrap().contains("site.json"), "{line}");
    links("b", "z").await;

    // If the word is not listed, there is nothing to link to.
    site(folder, &[("a", nobody())]);
    instance.signal("HUP");
    eventually("no links", async || {
        let page = instance.get_as("/", "text/html").await;
        (!page.text().contains("<nav")).then_some(())
    })
    .await;
    instance.stop().await;

    std::fs::write(&path, "{").unwrap();
    let (code, said) = serve.refused().await;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("site.json") && said.contains("line 1 column 1"),
        "{said}"
    );
}

#[tokio::test]
async fn a_bad_site_ends_the_start_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.json");
    std::fs::write(&path, r#"{"index": "/", "words": [{"word": "the"}]}"#).unwrap();
    for mut command in [index_of(&path), static_pages(&path, &folder.path().join("out"))] {
        let (code, said) = run(&mut command).await;
        assert_eq!(code, Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.contains("site.json") && said.contains("missing field `url`"),
            "{said}"
        );
    }
}

fn static_pages(site: &Path, out: &Path) -> Command {
    let mut command = binary();
    command.arg("static-pages").arg("--site").arg(site);
    command.arg("--out").arg(out);
    command
}

#[tokio::test]
async fn the_pages_that_a_reverse_proxy_serves_itself_are_written_in_each_form() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path(), &[("the", nobody()), ("'Tis", nobody())]);
    let out = folder.path().join("pages");
    let (code, said) = run(&mut static_pages(&site, &out)).await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();

    for (status, title) in [
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (429, "Too Many Requests"),
        (503, "Service Unavailable"),
    ] {
        let page = read(&format!("errors/{status}.html"));
        assert!(page.contains(&format!("<h1>{status} {title}</h1>")), "{page}");
        let line = read(&format!("errors/{status}.txt"));
        assert!(line.starts_with(&format!("{status} {title}: ")), "{line}");
        let problem: Value = serde_json::from_str(&read(&format!("errors/{status}.problem"))).unwrap();
        assert_eq!(
            (&problem["status"], &problem["title"]),
            (&json!(status), &json!(title))
        );
        // There is no request that it could identify.
        assert!(problem.get("request_id").is_none(), "{problem}");
    }
    let listed: Value = serde_json::from_str(&read("list.json")).unwrap();
    let words: Vec<_> = listed["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["word"])
        .collect();
    assert_eq!(words, ["the", "'Tis"]);
    assert!(read("list.html").contains("href=\"/the/\""));
    assert!(read("list.txt").contains("/the/"));
    assert!(read("content-security-policy").contains("style-src 'sha256-"));

    // Existing files are not overwritten.
    let (code, said) = run(&mut static_pages(&site, &out)).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot write"), "{said}");
}

/// Instances that accept connections and never respond.
fn silent() -> (std::net::TcpListener, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An instance of this word that reports a count of 9 at this time.
async fn saying(word: &str, as_of: &str) -> SocketAddr {
    let counts = json!({"word": word, "total_words": 9, "as_of": as_of, "counts": [{}, {}]}).to_string();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        counts.len()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            if stream.read(&mut request).await.is_ok() {
                // The index may have disconnected.
                let _ = stream.write_all((head.clone() + &counts).as_bytes()).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn an_invalid_time_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let long = "2026-11-26T08:00:00Z".repeat(100_000);
    let cases = [
        ("the", "2026-11-26T08:00:00Z"),
        ("line", "2026-11-26T08:00:00Z\nfake: 9 times"),
        ("long", long.as_str()),
        ("none", "yesterday"),
    ];
    let mut words = Vec::new();
    for (word, as_of) in cases {
        words.push((word, saying(word, as_of).await));
    }
    let index = Instance::spawn(index_of(&site(folder.path(), &words))).await;

    let (rows, _) = listed(&index).await;
    let states: Vec<_> = rows.iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["counted", "unavailable", "unavailable", "unavailable"]);
    let text = index.get("/?format=txt").await;
    assert_eq!(text.text().lines().count(), words.len(), "{}", text.text());
    let line = index
        .logged("a word is not available", |line| line["word"] == "long")
        .await;
    let cause = line["cause"].as_str().unwrap();
    assert!(cause.contains("as_of") && cause.len() < 200, "{cause}");
    index.stop().await;
}

#[tokio::test]
async fn words_that_are_served_do_not_wait_for_instances_that_hang() {
    let folder = tempfile::tempdir().unwrap();
    let (_listener, address) = silent();
    let names: Vec<String> = (0..40).map(|number| format!("word{number}")).collect();
    let mut words: Vec<(&str, SocketAddr)> = names.iter().map(|word| (word.as_str(), address)).collect();
    words.push(("the", saying("the", "2026-11-26T08:00:00Z").await));
    let begun = Instant::now();
    let index = Instance::spawn(index_of(&site(folder.path(), &words))).await;

    eventually("the word that is served", async || {
        let reply = index.get_as("/", "application/json").await;
        let document: Value = serde_json::from_slice(reply.body()).unwrap();
        (document["words"][40]["state"] == "counted").then_some(())
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    index.stop().await;
}

#[tokio::test]
async fn instances_that_hang_do_not_hold_up_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (_listener, address) = silent();
    let words: Vec<String> = (0..17).map(|number| format!("word{number}")).collect();
    let words: Vec<(&str, SocketAddr)> = words.iter().map(|word| (word.as_str(), address)).collect();
    let notified = folder.path().join("notify");
    let systemd = tokio::net::UnixDatagram::bind(&notified).unwrap();
    let mut command = index_of(&site(folder.path(), &words));
    command.env("NOTIFY_SOCKET", &notified);
    let index = Instance::spawn(command).await;

    let list = index.get("/").await;
    assert_eq!((list.status(), list.header("retry-after")), (503, Some("1")));
    let ready = index.get("/readyz").await;
    assert_eq!(ready.status(), 503, "{}", ready.text());
    assert_eq!(index.get("/healthz").await.status(), 200);
    let mut notice = [0; 256];
    let length = tokio::time::timeout(PATIENCE, systemd.recv(&mut notice))
        .await
        .expect("systemd is told nothing")
        .unwrap();
    assert_eq!(&notice[..length], b"READY=1\nSTATUS=serving\n");
    // Now they are known to be away.
    let (rows, _) = listed(&index).await;
    assert!(rows.iter().any(|row| row["state"] == "unavailable"), "{rows:?}");
    index.stop().await;
}

/// For as many words as a file may have, without addresses: nothing is asked.
#[tokio::test]
async fn a_round_of_very_many_words_does_not_hold_up_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let words: Vec<Value> = (0..15_000)
        .map(|number| json!({"word": format!("w{number}"), "url": format!("/w{number}/")}))
        .collect();
    let path = folder.path().join("site.json");
    std::fs::write(&path, json!({"index": "/", "words": words}).to_string()).unwrap();
    let index = Instance::spawn(index_of(&path)).await;
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    // Until the second round, which knows the results of the first, has ended.
    while begun.elapsed() < Duration::from_secs(15) {
        let asked = Instant::now();
        assert_eq!(index.get("/healthz").await.status(), 200);
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    index.stop().await;
}
