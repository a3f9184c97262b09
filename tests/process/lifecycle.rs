//! The service from its start, successful or not, to its stop, and its notifications to systemd.

use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bigquery_standin::faults::{Kind, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::process::Command;
use tokio::time::timeout;

use crate::google::*;
use crate::http::Client;
use crate::instance::*;

#[tokio::test]
async fn sigterm_under_load_loses_no_request() {
    for signal in ["TERM", "INT"] {
        let google = Google::start().await;
        let instance = Serve::from(&google).start().await;
        instance.answer().await;
        let answered = Arc::new(AtomicU64::new(0));
        let mut clients = Vec::new();
        for _ in 0..6 {
            let mut client = instance.connect().await;
            let answered = Arc::clone(&answered);
            clients.push(tokio::spawn(async move {
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
        for client in clients {
            client.await.unwrap();
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

/// Waits until this many requests are answered.
async fn reached(answered: &AtomicU64, enough: u64) {
    eventually("the load", async || {
        (answered.load(Ordering::Relaxed) >= enough).then_some(())
    })
    .await;
}

/// The binary with a socket passed as by systemd: on descriptor 3, where a shell puts it.
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
        // A passed socket takes precedence over the configured address.
        let serve = Serve::from(&google).flag("--listen", "127.0.0.1:1");
        Instance::spawn(passed(socket.into(), &serve)).await
    };
    let mut instance = start().await;
    assert_eq!(instance.address(), address);
    instance.answer().await;
    let (answered, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut clients = Vec::new();
    for _ in 0..4 {
        let (answered, enough) = (Arc::clone(&answered), Arc::clone(&enough));
        clients.push(tokio::spawn(async move {
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
    for client in clients {
        let connections = client.await.unwrap();
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
    // The job was held back for half a second, and meanwhile a message was sent every 50 ms.
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
    assert!(
        notice.starts_with("READY=1\nSTATUS=the token server "),
        "{notice}"
    );
}

#[tokio::test]
async fn a_bad_start_is_one_line_and_exit_2_and_a_good_check_is_exit_0() {
    let google = Google::start().await;
    let good = Serve::from(&google);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (name, value, part) in [
        ("--word", "", "--word: invalid word ''"),
        (
            "--ttl",
            "0s",
            "--ttl: invalid duration '0s': expected more than 0s",
        ),
        ("--workers", "0", "--workers"),
        ("--credentials", "/nowhere.json", "'/nowhere.json' does not exist"),
        ("--listen", taken.as_str(), "cannot listen on"),
    ] {
        let (code, said) = good.clone().flag(name, value).refused().await;
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(said.contains(part), "{name}: {said}");
    }
    let mut check = binary();
    check
        .args(["check", "--word", "the", "--credentials"])
        .arg(google.key_file());
    assert_eq!(run(&mut check).await, (Some(0), String::new()));
    assert_eq!(google.jobs(), 0, "nothing was asked");
}

/// The number of writes of the process so far.
fn writes(instance: &Instance) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{}/io", instance.pid())).unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("syscw: "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn answers_to_requests_that_came_together_are_written_together() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    let mut stream = TcpStream::connect(instance.address()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let before = writes(&instance);
    let ask = async {
        for _ in 0..20 {
            let many = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50);
            writing.write_all(many.as_bytes()).await.unwrap();
        }
        writing.shutdown().await.unwrap();
    };
    let mut text = String::new();
    let (read, ()) = tokio::join!(reading.read_to_string(&mut text), ask);
    read.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1000);
    let written = writes(&instance) - before;
    assert!(written < 300, "{written} writes for 1000 answers");
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
async fn sighup_reads_the_credential_again_and_changes_nothing_else() {
    let google = Google::start().await;
    let path = google.directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let serve = Serve::from(&google).environment("NOTIFY_SOCKET", &path);
    let instance = serve.start().await;
    instance.answer().await;
    let good = std::fs::read_to_string(google.directory.path().join("bigquery.json")).unwrap();
    google.file("bigquery.json", "{}");
    instance.signal("HUP");
    instance
        .logged("cannot fetch a new access token", |line| {
            line["old_token_serves"] == true
        })
        .await;
    assert_eq!(instance.get("/").await.status(), 200);
    google.file("bigquery.json", &good);
    let jobs = google.jobs();
    instance.signal("HUP");
    eventually("a refresh", async || (google.jobs() > jobs).then_some(())).await;
    assert_eq!(instance.get("/").await.status(), 200);
    assert_eq!(instance.lines("reading the credential anew").len(), 2);
    let mut notices = Vec::new();
    while notices.len() < 5 {
        let mut buffer = [0; 1024];
        let length = timeout(PATIENCE, socket.recv(&mut buffer))
            .await
            .expect("no notice")
            .unwrap();
        let notice = String::from_utf8_lossy(&buffer[..length]).into_owned();
        notices.push(notice.lines().next().unwrap().to_owned());
        let reloading = notice.starts_with("RELOADING=1\nMONOTONIC_USEC=");
        assert_eq!(notice.starts_with("RELOADING"), reloading, "{notice}");
    }
    assert_eq!(
        notices,
        ["READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1"]
    );
    instance.stop().await;
}
