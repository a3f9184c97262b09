//! The bare program: three words on the stand-in, and nothing left behind.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::http::{Client, Reply};
use crate::instance::*;

#[tokio::test]
async fn the_bare_binary_is_a_demo_that_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    // The program that ships has no demo: it is cargo's own build that has.
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordtally"));
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
        .env("LISTEN", "127.0.0.1:0")
        .env("TMPDIR", directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut demo = command.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while said.len() < 5 {
        let line = timeout(PATIENCE, lines.next_line())
            .await
            .expect("the demo hangs")
            .unwrap();
        said.push(line.expect("the demo ended"));
    }
    let address = |line: &str| {
        let from = line.find("http://").unwrap() + "http://".len();
        line[from..].split('/').next().unwrap().to_owned()
    };
    let index = address(said.last().unwrap());
    let page = get(&index, "/").await;
    assert_eq!(page.status(), 200);
    for (line, word) in said[1..4].iter().zip(["the", "love", "Romeo"]) {
        assert!(line.ends_with(&format!("  {word}")), "{said:#?}");
        let instance = address(line);
        let link = format!("<a href=\"http://{instance}/\"");
        assert!(page.text().contains(&link), "{link} in {}", page.text());
        let counts = get(&instance, "/").await;
        assert_eq!(counts.status(), 200);
        assert!(
            counts
                .text()
                .contains(&format!("<h4>Amount of times '{word}' appears per corpus</h4>")),
            "{}",
            counts.text()
        );
    }
    assert_eq!(entries(directory.path()), 1, "the folder with the key");
    signal(demo.id().unwrap(), "INT");
    let begun = Instant::now();
    let output = timeout(PATIENCE, demo.wait_with_output())
        .await
        .expect("it runs on")
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(entries(directory.path()), 0, "the key is left behind");
    for line in &said[1..] {
        assert!(TcpStream::connect(address(line)).await.is_err(), "{line} goes on");
    }
}

async fn get(address: &str, path: &str) -> Reply {
    let mut client = Client::new(TcpStream::connect(address).await.unwrap()).await;
    client.get(path).await
}

fn entries(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}
