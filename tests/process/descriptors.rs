//! With few file descriptors, further clients are closed at once, and the refresh continues.

use std::time::Duration;

use bigquery_standin::faults::{Kind, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use crate::google::*;
use crate::instance::*;
use crate::program::program;

/// The program in a shell that first sets its limits on descriptors.
fn limited(limits: &str, serve: &Serve) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .env_clear()
        .args(["-c", &format!("{limits}; exec \"$@\""), "sh"])
        .arg(program())
        .kill_on_drop(true);
    serve.apply(&mut command);
    command
}

/// Whether the server closes the connection within a second, without sending a byte.
async fn is_closed_at_once(stream: &mut TcpStream) -> bool {
    let read = timeout(Duration::from_secs(1), stream.read(&mut [0; 1])).await;
    // A reset is an end, too.
    read.is_ok_and(|read| read.unwrap_or(0) == 0)
}

#[tokio::test]
async fn clients_beyond_the_descriptors_are_closed_and_the_refresh_continues() {
    let google = Google::start().await;
    let serve = Serve::from(&google).flag("--ttl", "1s");
    // A low soft limit and a moderate hard limit: the hard one counts.
    let instance = Instance::spawn(limited("ulimit -Sn 40; ulimit -Hn 128", &serve)).await;
    instance.answer().await;
    assert_eq!(
        instance.lines("listening")[0]["connections"],
        64,
        "{:#?}",
        instance.log()
    );
    let mut visitors = Vec::new();
    for _ in 0..200 {
        let mut visitor = TcpStream::connect(instance.address()).await.unwrap();
        // A rejected client may be closed before this is sent.
        let _ = visitor
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        visitors.push(visitor);
    }
    let begun = Instant::now();
    let mut answered = Vec::new();
    let mut closed = 0;
    for mut visitor in visitors {
        let mut head = [0; 15];
        match timeout(Duration::from_secs(1), visitor.read(&mut head)).await {
            Err(_) => panic!("neither answered nor closed"),
            Ok(Ok(15)) => answered.push(visitor),
            Ok(_) => closed += 1,
        }
    }
    assert_eq!((answered.len(), closed), (64, 136));
    // They stay, and others keep arriving, for several refreshes.
    for _ in 0..4 {
        // Its kept-alive connection becomes useless, so that it needs a descriptor.
        google.times(1, Target::Query, Kind::Reset);
        let jobs = google.jobs();
        while google.jobs() == jobs {
            assert!(begun.elapsed() < Duration::from_secs(8), "the refresh starves");
            sleep(Duration::from_millis(10)).await;
        }
        let mut visitor = TcpStream::connect(instance.address()).await.unwrap();
        assert!(is_closed_at_once(&mut visitor).await, "a visitor hangs");
        closed += 1;
    }
    assert!(
        instance.lines("refresh failed").is_empty(),
        "{:#?}",
        instance.log()
    );
    assert!(instance.lines("cannot accept a connection").is_empty());
    drop(answered);
    let refused = eventually("room", async || {
        let mut visitor = TcpStream::connect(instance.address()).await.ok()?;
        let asked = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        visitor.write_all(asked).await.ok()?;
        let mut text = String::new();
        visitor.read_to_string(&mut text).await.ok()?;
        let counted = text
            .lines()
            .find_map(|line| line.strip_prefix("wordtally_http_connections_refused_total "))?;
        counted.parse::<u32>().ok()
    });
    assert!(refused.await >= closed);
    instance.stop().await;
}
