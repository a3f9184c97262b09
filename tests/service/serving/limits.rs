//! No client can hold a connection, or all of them, for as long as it likes.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use wordtally::server::Limits;

use super::client::Client;
use super::server::{Server, short};
use crate::sockets::COPIED;

/// The head and stall limits of `short`, with a margin for a busy machine.
fn is_about_300ms(took: Duration) -> bool {
    took > Duration::from_millis(250) && took < Duration::from_secs(3)
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = Server::start().await;
    let (took, rest) = server.connect().await.closed_after().await;
    assert!(is_about_300ms(took) && rest.is_empty(), "{took:?} {rest}");
}

#[tokio::test]
async fn a_connection_idle_between_requests_is_closed() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.reply(false).await.status(), 200);
    let (took, rest) = client.closed_after().await;
    assert!(is_about_300ms(took) && rest.is_empty(), "{took:?} {rest}");
}

#[tokio::test]
async fn a_head_that_drips_in_is_cut_off() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let begun = Instant::now();
    let cut = async {
        loop {
            for byte in *b"X: y\r\n" {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
    };
    timeout(Duration::from_secs(5), cut)
        .await
        .expect("dripping for ever");
    assert!(is_about_300ms(begun.elapsed()), "{:?}", begun.elapsed());
}

/// Sends requests without reading, until the server's and our buffers are full and the server gives up on us.
async fn asks_without_reading<S: AsyncWriteExt + AsyncReadExt + Unpin>(mut stream: S) {
    let many = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let filled = timeout(Duration::from_secs(5), async {
        while stream.write_all(many.as_bytes()).await.is_ok() {}
    });
    filled
        .await
        .expect("the server waits for ever for a peer that does not read");
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_off() {
    let server = Server::start().await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    asks_without_reading(stream).await;
    assert_eq!(server.get("/", "").await.status(), 200);
}

#[tokio::test]
async fn a_slow_reader_that_goes_on_reading_gets_everything() {
    let server = Server::start().await;
    // A small receive buffer, so that the server's writes are stuck most of the time, but never for long.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    let mut stream = socket.connect(server.address()).await.unwrap();
    let requests = 300;
    let begun = Instant::now();
    let (mut reading, mut writing) = stream.split();
    let ask = async {
        let last = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let all = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(requests - 1) + last;
        writing.write_all(all.as_bytes()).await.unwrap();
    };
    let read = async {
        let mut all = Vec::new();
        let mut part = vec![0; 8 * 1024];
        loop {
            sleep(Duration::from_millis(10)).await;
            match reading.read(&mut part).await.unwrap() {
                0 => return all,
                length => all.extend_from_slice(&part[..length]),
            }
        }
    };
    let ((), all) = timeout(Duration::from_secs(10), async { tokio::join!(ask, read) })
        .await
        .unwrap();
    assert_eq!(String::from_utf8(all).unwrap().matches("# EOF").count(), requests);
    assert!(
        begun.elapsed() > 2 * short().write_stall,
        "too quick to show anything"
    );
}

/// The least rate of `short`, in bytes per second.
pub(super) const RATE: usize = 32 * 1024;

/// Requests some 350 kB and reads at this rate: what was received, and in what time.
pub(super) async fn reads_at(rate: usize, stream: impl AsyncRead + AsyncWrite) -> (String, Duration) {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let ask = async {
        let last = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let all = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(SLOWLY_READ - 1) + last;
        let _ = writing.write_all(all.as_bytes()).await;
    };
    let begun = Instant::now();
    let read = async {
        let mut all = Vec::new();
        let mut part = vec![0; 1024];
        loop {
            sleep(begun + Duration::from_secs_f64(all.len() as f64 / rate as f64) - Instant::now()).await;
            match reading.read(&mut part).await {
                Ok(length @ 1..) => all.extend_from_slice(&part[..length]),
                _ => return String::from_utf8_lossy(&all).into_owned(),
            }
        }
    };
    let both = async { tokio::join!(ask, read) };
    let ((), all) = timeout(Duration::from_secs(20), both).await.unwrap();
    (all, begun.elapsed())
}

/// This many responses are more than the kernel buffers for a peer.
pub(super) const SLOWLY_READ: usize = 120;

async fn small_window(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    socket.connect(server.address()).await.unwrap()
}

#[tokio::test]
async fn a_steady_reader_gets_everything_though_the_kernel_reports_no_room() {
    let server = Server::start().await;
    // It takes more than half a second until the kernel reports the socket as writable.
    let (all, took) = reads_at(2 * RATE, small_window(&server).await).await;
    assert_eq!(all.matches("# EOF").count(), SLOWLY_READ);
    assert!(took > 4 * short().write_stall, "too quick to show anything");
}

#[tokio::test]
async fn a_peer_that_takes_less_than_the_least_rate_is_cut_off() {
    let server = Server::start().await;
    let (all, took) = reads_at(RATE / 8, small_window(&server).await).await;
    assert!(all.matches("# EOF").count() < SLOWLY_READ / 2);
    assert!(
        took > short().write_stall && took < Duration::from_secs(3),
        "{took:?}"
    );
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_counted() {
    let server = Server::without_answer(Limits {
        connections: 2,
        head_read: Duration::from_secs(5),
        ..short()
    });
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.reply(false).await.status(), 200);
        open.push(client);
    }
    let (took, rest) = server.connect().await.closed_after().await;
    assert!(
        rest.is_empty() && took < Duration::from_secs(1),
        "{took:?} {rest}"
    );
    assert_eq!(server.metrics.connections_refused.get(), 1);
    assert_eq!(server.metrics.connections.get(), 2);
    // There is room again as soon as one closes.
    drop(open.pop());
    while server.metrics.connections.get() == 2 {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(server.get("/healthz", "").await.status(), 200);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let pair = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(pair.repeat(50)).await;
    for _ in 0..50 {
        assert_eq!(client.reply(false).await.text(), "ok\n");
        assert_eq!(client.reply(false).await.text(), "ready\n");
    }
}

#[tokio::test]
async fn pipelined_responses_arrive_complete_before_an_unreadable_request_and_before_a_wait() {
    let health = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let server = Server::without_answer(Limits {
        first_answer: Duration::from_secs(5),
        ..short()
    });
    let mut client = server.connect().await;
    client.send(health.repeat(20) + "nonsense\r\n\r\n").await;
    for _ in 0..20 {
        assert_eq!(client.reply(false).await.text(), "ok\n");
    }
    assert_eq!(client.reply(false).await.status(), 400);
    // The request that waits for the first answer does not delay those before it.
    let mut client = server.connect().await;
    client
        .send(health.repeat(20) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let before = async {
        for _ in 0..20 {
            assert_eq!(client.reply(false).await.text(), "ok\n");
        }
    };
    timeout(Duration::from_secs(2), before)
        .await
        .expect("held back while another waits");
    server.publish(995);
    assert_eq!(client.reply(false).await.status(), 200);
}

/// The child of the next test: it serves until its standard input ends.
#[tokio::test]
#[ignore = "run by the test below, with few file descriptors"]
async fn child_with_few_descriptors() {
    let server = Server::without_answer(Limits {
        head_read: Duration::from_secs(60),
        ..short()
    });
    println!("address: {}", server.address());
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn running_out_of_descriptors_is_survived_without_spinning() {
    let _alone = COPIED.lock().await;
    let mut child = std::process::Command::new("/bin/sh")
        .args(["-c", "ulimit -n 24; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "serving::limits::child_with_few_descriptors",
            "--ignored",
            "--nocapture",
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let said = lines
        .by_ref()
        .map_while(Result::ok)
        .find(|line| line.contains("address: "));
    let address = said.and_then(|line| Some(line.split_once("address: ")?.1.to_owned()));
    let address = address.expect("the child says where it listens");
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    sleep(Duration::from_millis(300)).await;
    // Field 14 counts the hundredths of a second spent in user mode, 15 in the kernel.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let spent: u32 = stat
        .split(' ')
        .skip(13)
        .take(2)
        .map(|field| field.parse::<u32>().unwrap())
        .sum();
    assert!(spent < 20, "{spent} hundredths of a second spent on waiting");
    drop(held);
    let mut client = Client::new(TcpStream::connect(&address).await.unwrap());
    client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.reply(false).await.text(), "ok\n");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
