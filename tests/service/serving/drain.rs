//! A stop loses no request that has arrived, and no client can delay it.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use wordtally::server::{Drained, Limits};

use super::client::Client;
use super::server::{Server, drained, short};
use crate::sockets::COPIED;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// A head timeout so long that only the drain can have closed the connection.
fn patient() -> Limits {
    Limits {
        head_read: Duration::from_secs(60),
        first_answer: Duration::from_secs(60),
        ..short()
    }
}

#[tokio::test]
async fn idle_silent_and_half_sent_connections_do_not_delay_it() {
    let server = Server::without_answer(patient());
    let mut idle = server.connect().await;
    idle.send(HEALTH).await;
    idle.reply(false).await;
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    half.send("GET / HTTP/1.1\r\nHost: a\r\nX: ").await;
    let mut second_half = server.connect().await;
    second_half.send(HEALTH).await;
    second_half.reply(false).await;
    second_half.send("GET /hea").await;
    while server.metrics.connections.get() < 4 {
        sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    assert_eq!(drained(server.stop()).await, Drained { open: 4, cut: 0 });
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for client in [&mut idle, &mut silent, &mut half, &mut second_half] {
        assert_eq!(client.rest().await, "");
    }
}

#[tokio::test]
async fn a_request_being_answered_is_finished() {
    let server = Server::without_answer(patient());
    let cache = server.cache.clone();
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let task = {
        // Now it waits for the first answer.
        sleep(Duration::from_millis(50)).await;
        server.stop()
    };
    sleep(Duration::from_millis(200)).await;
    assert!(!task.is_finished(), "it did not wait for the request");
    cache.fail(wordtally::cache::Failure {
        reason: wordtally::reason::Reason::Timeout,
        retry_at: cache.clock.now(),
    });
    assert_eq!(client.reply(false).await.status(), 503);
    assert_eq!(client.rest().await, "", "and closed");
    assert_eq!(drained(task).await.cut, 0);
}

#[tokio::test]
async fn a_request_already_on_its_way_is_answered_as_the_last() {
    let server = Server::without_answer(Limits {
        last_requests: Duration::from_millis(500),
        ..patient()
    });
    let mut idle = server.connect().await;
    idle.send(HEALTH).await;
    assert_eq!(idle.reply(false).await.header("connection"), None);
    let task = server.stop();
    sleep(Duration::from_millis(50)).await;
    idle.send(HEALTH).await;
    let reply = idle.reply(false).await;
    assert_eq!((reply.status(), reply.header("connection")), (200, Some("close")));
    assert_eq!(idle.rest().await, "");
    drained(task).await;
}

#[tokio::test]
async fn what_waits_in_the_backlog_is_answered() {
    let server = Server::without_answer(patient());
    // The server's task does not run between these lines, because there is one thread and no await that waits for it.
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
        std::io::Write::write_all(&mut stream, HEALTH.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        streams.push(stream);
    }
    let task = server.stop();
    for stream in streams {
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        assert_eq!(Client::new(stream).reply(false).await.text(), "ok\n");
    }
    assert_eq!(drained(task).await, Drained { open: 5, cut: 0 });
}

#[tokio::test]
async fn nothing_is_accepted_after_it() {
    let _alone = COPIED.lock().await;
    let server = Server::alone(2);
    let address = server.address();
    drained(server.stop()).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn its_deadline_cuts_what_is_left() {
    let server = Server::without_answer(Limits {
        drain: Duration::from_millis(200),
        ..patient()
    });
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    assert_eq!(drained(server.stop()).await, Drained { open: 1, cut: 1 });
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(190) && took < Duration::from_secs(2),
        "{took:?}"
    );
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_restart_under_load_loses_no_request() {
    restart_under_load().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_restart_under_load_loses_no_request_on_several_threads() {
    restart_under_load().await;
}

async fn restart_under_load() {
    // On a busy machine a client may be late, and no limit may be the reason why its connection closes.
    let server = Server::without_answer(Limits {
        last_requests: Duration::from_secs(1),
        ..patient()
    });
    let address = server.address();
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Client::new(tokio::net::TcpStream::connect(address).await.unwrap());
        clients.push(tokio::spawn(async move {
            let mut answered = 0;
            loop {
                client.send(HEALTH).await;
                let reply = client.reply(false).await;
                assert_eq!(reply.status(), 200);
                answered += 1;
                if reply.header("connection").is_some() {
                    return answered;
                }
            }
        }));
    }
    sleep(Duration::from_millis(50)).await;
    assert_eq!(drained(server.stop()).await, Drained { open: 8, cut: 0 });
    for client in clients {
        assert!(client.await.unwrap() > 1, "each was told of its last answer");
    }
}
