//! When nobody reads standard error, or systemd does not read its notifications, the service continues, reports how
//! much was lost, and ends in time.

use std::io::{PipeReader, Read, Write, pipe};
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bigquery_standin::faults::{Kind, Target};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::google::*;
use crate::http::Client;
use crate::instance::*;

/// A process that ends within this time did not wait for a reader.
const IN_TIME: Duration = Duration::from_secs(4);

/// A full pipe, as a stalled reader leaves it.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    // A pipe holds whole pages, and so a whole number of these.
    while writer.write(b"0123456789abcde\n").is_ok() {}
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer.into())
}

/// A free port. The instance there cannot report where it listens.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn start(serve: &Serve, address: SocketAddr, stderr: Stdio) -> Child {
    let mut command = binary();
    serve
        .clone()
        .flag("--listen", address.to_string())
        .apply(&mut command);
    command.stderr(stderr).spawn().unwrap()
}

async fn client(address: SocketAddr) -> Client {
    let stream = eventually("it listens", async || TcpStream::connect(address).await.ok()).await;
    Client::new(stream).await
}

async fn terminated(mut child: Child) -> ExitStatus {
    signal(child.id().unwrap(), "TERM");
    timeout(IN_TIME, child.wait())
        .await
        .expect("it waits for the reader")
        .unwrap()
}

async fn dropped(client: &mut Client) -> u64 {
    let metrics = client.get("/metrics").await;
    let line = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("wordtally_log_lines_dropped_total "));
    line.expect("the metric").parse().unwrap()
}

#[tokio::test]
async fn a_stalled_reader_of_the_log_delays_nothing() {
    let google = Google::start().await;
    for workers in ["1", "2"] {
        let (mut reader, stderr) = full_pipe();
        let address = free_port();
        let serve = Serve::from(&google)
            .flag("--log-level", "debug")
            .flag("--workers", workers);
        let child = start(&serve, address, stderr);
        let mut client = client(address).await;
        for _ in 0..2500 {
            assert_eq!(client.get("/").await.status(), 200);
            assert_eq!(client.get("/nothing").await.status(), 404);
        }
        assert!(dropped(&mut client).await > 100, "it all went somewhere");
        drop(client);
        assert!(terminated(child).await.success());
        let mut written = Vec::new();
        reader.read_to_end(&mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        let own = text.lines().filter(|line| line.starts_with('{')).count();
        assert_eq!(own, 0, "the pipe was not full");
    }
}

#[tokio::test]
async fn what_was_dropped_is_counted_in_a_line_when_it_is_read_again() {
    let google = Google::start().await;
    let (mut reader, stderr) = full_pipe();
    let address = free_port();
    let child = start(
        &Serve::from(&google).flag("--log-level", "debug"),
        address,
        stderr,
    );
    let mut client = client(address).await;
    for _ in 0..4000 {
        assert_eq!(client.get("/").await.status(), 200);
    }
    let dropped = dropped(&mut client).await;
    assert!(dropped > 100, "{dropped}");
    let read: Arc<Mutex<Vec<u8>>> = Arc::default();
    let log = Arc::clone(&read);
    let reading = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            read.lock().unwrap().extend_from_slice(&buffer[..length]);
        }
    });
    let so_far = || String::from_utf8_lossy(&log.lock().unwrap()).into_owned();
    eventually("the line", async || {
        so_far().contains("log lines were dropped").then_some(())
    })
    .await;
    assert_eq!(client.get("/later").await.status(), 404);
    drop(client);
    assert!(terminated(child).await.success());
    reading.join().unwrap();
    let log = so_far();
    let told = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let told: Vec<u64> = told
        .filter(|line| line["message"] == "log lines were dropped")
        .map(|line| line["lines"].as_u64().unwrap())
        .collect();
    // The request for the metric itself caused one more line.
    assert_eq!(told, [dropped + 1]);
    let (before, after) = log.split_once("log lines were dropped").unwrap();
    assert!(before.contains("\"listening\""), "the first lines were kept");
    assert!(
        after.contains("\"path\":\"/later\"") && after.contains("\"drained\""),
        "{after}"
    );
}

#[tokio::test]
async fn a_reader_that_is_late_gets_the_last_lines() {
    let google = Google::start().await;
    let (mut reader, stderr) = full_pipe();
    let address = free_port();
    let mut child = start(&Serve::from(&google), address, stderr);
    drop(client(address).await);
    signal(child.id().unwrap(), "TERM");
    sleep(Duration::from_millis(500)).await;
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.contains("\"drained\""), "{}", &text[text.len() - 300..]);
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_bad_start_ends_though_nobody_reads_why() {
    let google = Google::start().await;
    for serve in [
        Serve::from(&google).flag("--ttl", "0s"),
        Serve::from(&google).flag("--credentials", "/nowhere.json"),
    ] {
        let (_reader, stderr) = full_pipe();
        let mut command = binary();
        serve.apply(&mut command);
        let mut child = command.stderr(stderr).spawn().unwrap();
        let ended = timeout(IN_TIME, child.wait())
            .await
            .expect("it waits for the reader");
        assert_eq!(ended.unwrap().code(), Some(2));
    }
}

/// A notification socket with a full queue, as a busy systemd leaves it.
fn full_socket(google: &Google) -> (UnixDatagram, std::path::PathBuf, usize) {
    let path = google.directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let filler = std::os::unix::net::UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    let mut filled = 0;
    while filler.send_to(b"X=1", &path).is_ok() {
        filled += 1;
    }
    (socket, path, filled)
}

#[tokio::test]
async fn systemd_that_does_not_read_delays_nothing_and_is_notified_once_it_does() {
    let google = Google::start().await;
    let (socket, path, filled) = full_socket(&google);
    let instance = Serve::from(&google)
        .environment("NOTIFY_SOCKET", &path)
        .start()
        .await;
    instance.answer().await;
    sleep(Duration::from_millis(300)).await;
    for _ in 0..100 {
        assert_eq!(instance.get("/").await.status(), 200);
    }
    let mut notices = Vec::new();
    while notices.len() <= filled {
        let mut buffer = [0; 1024];
        let length = timeout(PATIENCE, socket.recv(&mut buffer))
            .await
            .expect("no notice")
            .unwrap();
        notices.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    assert_eq!(notices.last().unwrap(), "READY=1\nSTATUS=serving\n");
    assert!(instance.lines("cannot notify systemd").is_empty());
}

#[tokio::test]
async fn systemd_that_never_reads_does_not_delay_the_end() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Latency { milliseconds: 300 });
    let (_socket, path, _) = full_socket(&google);
    let instance = Serve::from(&google)
        .environment("NOTIFY_SOCKET", &path)
        .environment("WATCHDOG_USEC", "100000")
        .start()
        .await;
    instance.answer().await;
    let ended = timeout(IN_TIME, instance.stop())
        .await
        .expect("it waits for systemd");
    assert!(ended.iter().any(|line| line.contains("\"drained\"")));
}
