//! The bare program: four words from the stand-in, and nothing left behind.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::http::{Client, Reply};
use crate::instance::*;

/// A demo that serves, and its output so far.
struct Demo {
    child: Child,
    said: Vec<String>,
}

impl Demo {
    /// Starts one and waits until it reports that it serves this many words.
    async fn start(command: &mut Command, words: usize) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said: Vec<String> = Vec::new();
        while !said.last().is_some_and(|line| line.starts_with("All of them: ")) {
            let line = timeout(PATIENCE, lines.next_line())
                .await
                .expect("the demo hangs")
                .unwrap();
            said.push(line.expect("the demo ended"));
        }
        let links = said.iter().filter(|line| line.starts_with("  http://"));
        assert_eq!(links.count(), words, "{said:#?}");
        Self { child, said }
    }

    /// Stops it, and returns its standard error.
    async fn stop(self) -> String {
        signal(self.child.id().unwrap(), "INT");
        let output = timeout(PATIENCE, self.child.wait_with_output())
            .await
            .expect("it runs on")
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// The released program has no demo, so this is always cargo's own build.
fn demo(environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordtally"));
    command
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The host and port of a line's URL.
fn address(line: &str) -> String {
    let from = line.find("http://").unwrap() + "http://".len();
    line[from..].split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_bare_binary_is_a_demo_that_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().to_str().unwrap();
    let demo = Demo::start(&mut demo(&[("LISTEN", "127.0.0.1:0"), ("TMPDIR", folder)]), 4).await;
    let said = demo.said.clone();
    let index = address(said.last().unwrap());
    let page = get(&index, "/").await;
    assert_eq!(page.status(), 200);
    // Each instance was asked before the address of the index was printed.
    assert!(!page.text().contains("No counts yet"), "{}", page.text());
    for (line, word) in said[1..5].iter().zip(["the", "love", "death", "Romeo"]) {
        assert!(line.ends_with(&format!("  {word}")), "{said:#?}");
        let instance = address(line);
        let link = format!("<a href=\"http://{instance}/\"");
        assert!(page.text().contains(&link), "{link} in {}", page.text());
        let counts = get(&instance, "/").await;
        assert_eq!(counts.status(), 200);
        let all = format!("<a href=\"http://{index}/\">All words</a>");
        assert!(counts.text().contains(&all), "{}", counts.text());
        assert!(
            counts
                .text()
                .contains(&format!("<h4>Amount of times '{word}' appears per corpus</h4>")),
            "{}",
            counts.text()
        );
    }
    assert_eq!(entries(directory.path()), 1, "the folder with the key");
    let begun = Instant::now();
    let progress = demo.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let steps: Vec<&str> = progress.lines().collect();
    assert_eq!(
        steps,
        [
            "loading the sample data",
            "creating a service account's key",
            "counting 'the', 'love', 'death', 'Romeo'"
        ]
    );
    assert_eq!(entries(directory.path()), 0, "the key is left behind");
    for line in &said[1..] {
        assert!(TcpStream::connect(address(line)).await.is_err(), "{line} goes on");
    }
}

#[tokio::test]
async fn a_word_of_the_environment_is_the_one_that_is_counted() {
    let demo = Demo::start(&mut demo(&[("LISTEN", "localhost:0"), ("WORD", "hamlet")]), 1).await;
    assert!(demo.said[1].starts_with("  http://127.0.0.1:") && demo.said[1].ends_with("  hamlet"));
    let counts = get(&address(&demo.said[1]), "/").await;
    assert!(counts.text().contains("'hamlet'"), "{}", counts.text());
    demo.stop().await;
}

#[tokio::test]
async fn ports_that_are_taken_are_passed_over_unless_they_were_chosen() {
    // If another process already has the port, that is as good.
    let taken = std::net::TcpListener::bind("127.0.0.1:8080");
    let demo = Demo::start(&mut demo(&[("WORD", "the")]), 1).await;
    for line in &demo.said[1..] {
        let port: u16 = address(line).rsplit_once(':').unwrap().1.parse().unwrap();
        assert!((8081..8190).contains(&port), "{line}");
        assert_eq!(get(&address(line), "/").await.status(), 200);
    }
    let progress = demo.stop().await;
    assert!(
        progress.starts_with("port 8080 is taken: trying the next\n"),
        "{progress}"
    );
    drop(taken);
}

#[tokio::test]
async fn a_chosen_port_that_is_taken_is_one_line_that_names_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for chosen in [&["demo", "--listen", &address][..], &[]] {
        let mut command = demo(&[("LISTEN", &address)]);
        let (code, said) = run(command.args(chosen)).await;
        assert_eq!(
            (code, said.as_str()),
            (
                Some(1),
                format!(
                    "wordtally: cannot listen on {address}: Address already in use (os error 98): stop the process that uses \
                     the port, or choose another with --listen; the demo needs 5 ports, from {address} on\n"
                )
                .as_str()
            )
        );
    }
}

#[tokio::test]
async fn where_it_listens_at_every_address_it_prints_names_that_work() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        if listen.starts_with('[') && std::net::TcpListener::bind("[::1]:0").is_err() {
            continue; // A machine without IPv6.
        }
        let demo = Demo::start(&mut demo(&[("LISTEN", listen), ("WORD", "the")]), 1).await;
        assert!(
            demo.said[1].starts_with("  http://localhost:"),
            "{:#?}",
            demo.said
        );
        for line in &demo.said[1..] {
            assert_eq!(get(&address(line), "/").await.status(), 200, "{line}");
            assert!(!line.contains("0.0.0.0") && !line.contains("[::]"), "{line}");
        }
        demo.stop().await;
    }
}

async fn get(address: &str, path: &str) -> Reply {
    let mut client = Client::new(TcpStream::connect(address).await.unwrap()).await;
    client.get(path).await
}

fn entries(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}
