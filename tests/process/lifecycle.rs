//! The real binary as a process: sockets, signals, systemd, exit codes, secrets, and the demo.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bigquery_standin::faults::{Kind, Target};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpStream, UnixDatagram, UnixStream};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::google::*;
use crate::http::{Client, Reply};
use crate::instance::*;

#[tokio::test]
async fn sigterm_under_load_loses_no_request() {
    for signal in ["TERM", "INT"] {
        let google = Google::start().await;
        let instance = Serve::from(&google).start().await;
        instance.answer().await;
        let answered = Arc::new(AtomicU64::new(0));
        let mut visitors = Vec::new();
        for _ in 0..6 {
            let mut client = instance.connect().await;
            let answered = Arc::clone(&answered);
            visitors.push(tokio::spawn(async move {
                loop {
                    let reply = client.get("/").await;
                    assert_eq!(reply.status(), 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                    if reply.header("connection").is_some() {
                        return;
                    }
                }
            }));
        }
        reached(&answered, 1000).await;
        instance.signal(signal);
        for visitor in visitors {
            visitor.await.unwrap();
        }
        let (status, log) = instance.ended().await;
        assert!(status.success(), "{status}");
        assert!(
            log.iter()
                .any(|line| line.contains("\"drained\",\"open\":6,\"cut\":0")),
            "{log:#?}"
        );
    }
}

/// Waits until so many requests are answered.
async fn reached(answered: &AtomicU64, enough: u64) {
    eventually("the load", async || {
        (answered.load(Ordering::Relaxed) >= enough).then_some(())
    })
    .await;
}

/// The binary with a socket passed as systemd does it: on descriptor 3, which a shell puts there.
fn passed(socket: OwnedFd, serve: &Serve) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .env_clear()
        .args(["-c", "exec 3<&0 </dev/null; LISTEN_PID=$$ exec \"$@\"", "sh"])
        .arg(crate::program::program())
        .env("LISTEN_FDS", "1")
        .stdin(Stdio::from(socket))
        .kill_on_drop(true);
    serve.apply(&mut command);
    command
}

#[tokio::test]
async fn a_restart_on_a_passed_socket_loses_no_request() {
    let google = Google::start().await;
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let start = async || {
        let socket = socket.try_clone().unwrap();
        // What is passed wins over what is configured.
        let serve = Serve::from(&google).flag("--listen", "127.0.0.1:1");
        Instance::spawn(passed(socket.into(), &serve)).await
    };
    let mut instance = start().await;
    assert_eq!(instance.address(), address);
    instance.answer().await;
    let (answered, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut visitors = Vec::new();
    for _ in 0..4 {
        let (answered, enough) = (Arc::clone(&answered), Arc::clone(&enough));
        visitors.push(tokio::spawn(async move {
            let mut connections = 0;
            while !enough.load(Ordering::Relaxed) {
                let mut client = Client::new(TcpStream::connect(address).await.unwrap()).await;
                connections += 1;
                let mut last = false;
                while !last && !enough.load(Ordering::Relaxed) {
                    let reply = client.get("/").await;
                    assert_eq!(reply.status(), 200, "{}", reply.head());
                    answered.fetch_add(1, Ordering::Relaxed);
                    last = reply.header("connection").is_some();
                }
            }
            connections
        }));
    }
    for restarts in 1..=2 {
        reached(&answered, restarts * 500).await;
        instance.stop().await;
        instance = start().await;
    }
    reached(&answered, 1500).await;
    enough.store(true, Ordering::Relaxed);
    for visitor in visitors {
        let connections = visitor.await.unwrap();
        assert!(
            connections >= 3,
            "it was told to connect anew at each restart: {connections}"
        );
    }
}

#[tokio::test]
async fn systemd_is_told_ready_after_the_first_refresh_then_alive_then_stopping() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Latency { milliseconds: 500 });
    let path = google.directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let instance = Serve::from(&google)
        .environment("NOTIFY_SOCKET", &path)
        .environment("WATCHDOG_USEC", "100000")
        .start()
        .await;
    let notice = async || {
        let mut buffer = [0; 1024];
        let length = timeout(PATIENCE, socket.recv(&mut buffer))
            .await
            .expect("no notice")
            .unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut alive = 0;
    let ready = loop {
        match notice().await.as_str() {
            "WATCHDOG=1\n" => alive += 1,
            other => break other.to_owned(),
        }
    };
    assert_eq!(ready, "READY=1\nSTATUS=serving\n");
    // The job was held back for half a second, and a word came every 50 ms meanwhile.
    assert!(alive >= 5, "READY came before the answer: {alive}");
    assert_eq!(instance.get("/readyz").await.status(), 200);
    assert_eq!(notice().await, "WATCHDOG=1\n");
    instance.signal("TERM");
    let stopping = eventually("the notice of the end", async || {
        let notice = notice().await;
        (notice != "WATCHDOG=1\n").then_some(notice)
    })
    .await;
    assert_eq!(stopping, "STOPPING=1\nSTATUS=draining\n");
    assert!(instance.ended().await.0.success());
}

#[tokio::test]
async fn systemd_is_told_ready_though_bigquery_is_down() {
    let google = Google::start().await;
    google.always(Target::Token, Kind::Reset);
    let path = google.directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let serve = Serve::from(&google).environment("NOTIFY_SOCKET", &path);
    let _instance = serve.flag("--timeout", "300ms").start().await;
    let mut buffer = [0; 1024];
    let length = timeout(PATIENCE, socket.recv(&mut buffer))
        .await
        .expect("no notice")
        .unwrap();
    let notice = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(notice.starts_with("READY=1\nSTATUS=BigQuery "), "{notice}");
}

#[tokio::test]
async fn a_unix_socket_serves_is_probed_and_goes_at_the_end() {
    let google = Google::start().await;
    let path = google.directory.path().join("s");
    let listen = format!("unix:{}", path.display());
    let instance = Serve::from(&google).flag("--listen", &listen).start().await;
    assert_eq!(instance.listen, listen);
    let mut client = Client::new(UnixStream::connect(&path).await.unwrap()).await;
    assert_eq!(client.get("/").await.status(), 200);
    assert_eq!(
        probe(&format!("{listen}:/readyz")).await,
        (Some(0), String::new())
    );
    instance.stop().await;
    assert!(!path.exists());
    let (code, sentence) = probe(&format!("{listen}:/readyz")).await;
    assert_eq!(code, Some(1));
    assert!(sentence.contains("cannot be asked"), "{sentence}");
}

async fn probe(url: &str) -> (Option<i32>, String) {
    run(binary().args(["probe", url])).await
}

/// The exit code and what was said on standard error.
async fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = timeout(PATIENCE, command.output())
        .await
        .expect("it runs on")
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn probe_tells_the_ready_from_the_alive() {
    let google = Google::closed(bigquery_standin::Options::new(database())).await;
    let instance = Serve::from(&google).start().await;
    instance.logged("refresh failed", |_| true).await;
    let url = |path: &str| format!("http://{}{path}", instance.listen);
    assert_eq!(probe(&url("/healthz")).await, (Some(0), String::new()));
    let (code, sentence) = probe(&url("/readyz")).await;
    assert_eq!(code, Some(1));
    assert!(
        sentence.contains("503") && sentence.lines().count() == 1,
        "{sentence}"
    );
}

#[tokio::test]
async fn a_bad_start_is_one_line_and_exit_2_and_a_good_check_is_exit_0() {
    let google = Google::start().await;
    let good = Serve::from(&google);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (name, value, part) in [
        ("--word", "", "--word: the word is empty"),
        ("--ttl", "0s", "--ttl: '0s' is out of range"),
        ("--workers", "0", "--workers"),
        ("--credentials", "/nowhere.json", "'/nowhere.json' does not exist"),
        ("--listen", taken.as_str(), "cannot listen on"),
    ] {
        let (code, said) = good.clone().flag(name, value).refused().await;
        assert_eq!(code, Some(2), "{name}: {said}");
        let last = said.lines().last().unwrap();
        assert!(
            last.starts_with("wordtally: ") && last.contains(part),
            "{name}: {said}"
        );
    }
    let mut check = binary();
    check
        .args(["check", "--word", "the", "--credentials"])
        .arg(google.key_file());
    assert_eq!(run(&mut check).await, (Some(0), String::new()));
    assert_eq!(google.jobs(), 0, "nothing was asked");
}

#[tokio::test]
async fn two_instances_serve_two_words() {
    let google = Google::start().await;
    let serve = Serve::from(&google);
    let love = serve.clone().flag("--word", "love").start().await;
    let romeo = serve.flag("--word", "Romeo").flag("--workers", "2").start().await;
    let (love, romeo) = (love.answer().await, romeo.answer().await);
    assert_eq!((&love["word"], &romeo["word"]), (&"love".into(), &"Romeo".into()));
    assert!(love["counts"].as_array().unwrap().len() > 30, "{love}");
    let corpora: Vec<_> = romeo["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["corpus"])
        .collect();
    assert_eq!(corpora, ["romeoandjuliet"]);
    assert_eq!(google.jobs(), 2);
}

#[tokio::test]
async fn a_log_level_leaves_out_what_is_below_it() {
    let google = Google::start().await;
    for (level, good_requests) in [("info", 0), ("debug", 1)] {
        let instance = Serve::from(&google).flag("--log-level", level).start().await;
        instance.answer().await;
        instance.get("/nothing").await;
        instance.logged("request", |line| line["status"] == 404).await;
        let mut requests = instance.lines("request");
        requests.retain(|line| line["status"] == 200);
        assert_eq!(requests.len().min(1), good_requests, "{level}");
    }
    google.always(Target::Token, Kind::Reset);
    let mut command = binary();
    Serve::from(&google)
        .flag("--log-level", "warn")
        .flag("--timeout", "300ms")
        .apply(&mut command);
    let instance = Instance::unseen(command);
    instance
        .logged("refresh failed", |line| line["level"] == "WARN")
        .await;
    let log = instance.stop().await;
    assert!(log.iter().all(|line| !line.contains("\"INFO\"")), "{log:#?}");
}

/// Runs an instance in this process with every line that there can be: more than `serve` has a flag for.
#[tokio::test]
#[ignore = "run by the test below, with an instance's configuration in its environment"]
async fn child_that_logs_everything() {
    use wordtally::config::{Config, LogFormat, LogLevel};
    use wordtally::instance::Instance;
    let variable = |name| std::env::var(name).unwrap();
    wordtally::telemetry::init(LogFormat::Json, tracing::level_filters::LevelFilter::TRACE);
    let config = Config {
        word: "the".parse().unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        project: None,
        table: "bigquery-public-data.samples.shakespeare".parse().unwrap(),
        location: None,
        credentials: Some(variable("CREDENTIALS").into()),
        bigquery_endpoint: variable("BIGQUERY_ENDPOINT").parse().unwrap(),
        ttl: Duration::from_millis(300),
        stale: Duration::from_secs(60),
        timeout: Duration::from_secs(2),
        maximum_bytes_billed: 100 << 20,
        workers: 1,
        log_format: LogFormat::Json,
        log_level: LogLevel::Debug,
    };
    let instance = Instance::open(config).await.unwrap();
    instance
        .serve(wordtally::shutdown::requested().unwrap())
        .await
        .unwrap();
}

/// Each line of the private key that is long enough to be one, and what every access token begins with.
fn secrets() -> Vec<String> {
    let file: serde_json::Value = serde_json::from_str(&key().to_json("http://x/token")).unwrap();
    let pem = file["private_key"].as_str().unwrap();
    let mut secrets: Vec<String> = pem
        .lines()
        .filter(|line| line.len() >= 60)
        .map(str::to_owned)
        .collect();
    assert!(secrets.len() > 20, "a key has more lines");
    // The stand-in's tokens; and an assertion, whose header is the same each time.
    secrets.extend([
        "ya29.standin.".to_owned(),
        "PRIVATE KEY".to_owned(),
        "eyJ".to_owned(),
    ]);
    secrets
}

fn holds_no_secret(what: &str, text: &str) {
    for secret in secrets() {
        assert!(!text.contains(&secret), "{what} holds {secret}");
    }
}

#[tokio::test]
async fn no_secret_is_in_the_chattiest_log() {
    let google = Google::start().await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "lifecycle::child_that_logs_everything",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("CREDENTIALS", google.key_file())
        .env("BIGQUERY_ENDPOINT", google.standin.url())
        .kill_on_drop(true);
    let instance = Instance::spawn(command).await;
    instance.answer().await;
    // Everything that handles a token: a refused one, a new one, one that can't be had.
    google.standin.revoke_all().unwrap();
    instance
        .logged("BigQuery refused the access token: taking a new one", |_| true)
        .await;
    google.always(Target::Token, Kind::MalformedJson);
    google.standin.revoke_all().unwrap();
    instance.logged("refresh failed", |_| true).await;
    let log = instance.stop().await;
    assert!(
        log.iter()
            .any(|line| line.contains("\"TRACE\"") && line.contains("hyper")),
        "that was not the chattiest level"
    );
    holds_no_secret("the log", &log.join("\n"));
}

#[tokio::test]
async fn no_secret_is_in_the_arguments_the_environment_or_the_log_of_the_binary() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    for name in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{}/{name}", instance.pid())).unwrap();
        holds_no_secret(name, &String::from_utf8_lossy(&bytes));
    }
    holds_no_secret("the metrics", instance.get("/metrics").await.text());
    holds_no_secret("the log", &instance.stop().await.join("\n"));
}

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
