//! TCP and Unix sockets, and sockets from systemd.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep};
use wordtally::config::Listen;
use wordtally::probe::probe;
use wordtally::server::Listener;
use wordtally::telemetry::RequestLabels;

use super::client::Client;
use super::limits::{RATE, SLOWLY_READ, reads_at};
use super::server::{Server, drained, short};
use crate::sockets::COPIED;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// A directory for one test, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wordtally-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> Listen {
        Listen::Unix(self.0.join("s"))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_unix_socket_serves_and_is_removed_with_the_server() {
    let directory = Directory::new("serves");
    let path = directory.0.join("s");
    let server = Server::on(Listener::open(&directory.socket()).unwrap(), short());
    assert_eq!(server.listen, directory.socket());
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o666
    );
    let mut client = Client::new(UnixStream::connect(&path).await.unwrap());
    client.send(HEALTH).await;
    assert_eq!(client.reply(false).await.text(), "ok\n");
    drained(server.stop()).await;
    assert!(!path.exists(), "left behind");
}

#[tokio::test]
async fn a_reader_that_stalls_on_a_unix_socket_is_cut_off() {
    let directory = Directory::new("stalls");
    let server = Server::on(Listener::open(&directory.socket()).unwrap(), short());
    let mut stream = UnixStream::connect(directory.0.join("s")).await.unwrap();
    let many = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let filled = tokio::time::timeout(Duration::from_secs(5), async {
        while tokio::io::AsyncWriteExt::write_all(&mut stream, many.as_bytes())
            .await
            .is_ok()
        {}
    });
    filled
        .await
        .expect("the server waits for ever for a peer that does not read");
    drained(server.stop()).await;
}

#[tokio::test]
async fn a_steady_reader_on_a_unix_socket_gets_everything_and_one_too_slow_is_cut_off() {
    let directory = Directory::new("slow");
    let server = Server::on(Listener::open(&directory.socket()).unwrap(), short());
    let connect = async || UnixStream::connect(directory.0.join("s")).await.unwrap();
    let (all, _) = reads_at(2 * RATE, connect().await).await;
    assert_eq!(all.matches("# EOF").count(), SLOWLY_READ);
    let slow = tokio::spawn(reads_at(RATE / 8, connect().await));
    let begun = Instant::now();
    while server.metrics.connections.get() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    while server.metrics.connections.get() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(4), "served for ever");
        sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() > short().write_stall);
    slow.abort();
    drained(server.stop()).await;
}

#[test]
fn a_stale_socket_file_is_replaced() {
    let _alone = COPIED.blocking_lock();
    let directory = Directory::new("stale");
    // Dropping a listener leaves its file, as a crash does.
    drop(std::os::unix::net::UnixListener::bind(directory.0.join("s")).unwrap());
    assert!(directory.0.join("s").exists());
    Listener::open(&directory.socket()).unwrap();
}

#[test]
fn a_socket_that_answers_is_left_alone() {
    let directory = Directory::new("alive");
    let first = Listener::open(&directory.socket()).unwrap();
    let error = Listener::open(&directory.socket()).unwrap_err().to_string();
    assert!(error.contains("another process answers there"), "{error}");
    assert!(directory.0.join("s").exists());
    drop(first);
}

#[test]
fn a_socket_whose_owner_hangs_is_left_alone_without_waiting_for_it() {
    let directory = Directory::new("hangs");
    let path = directory.0.join("s");
    let hanging = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    hanging.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    hanging.listen(0).unwrap();
    let _fills_the_backlog = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let listen = directory.socket();
    std::thread::spawn(move || sender.send(Listener::open(&listen).map(drop)));
    let opened = receiver.recv_timeout(Duration::from_secs(5));
    let error = opened
        .expect("it waits for room in the backlog")
        .unwrap_err()
        .to_string();
    assert!(error.contains("another process answers there"), "{error}");
}

#[test]
fn another_file_is_never_removed() {
    let directory = Directory::new("file");
    std::fs::write(directory.0.join("s"), "precious").unwrap();
    let error = Listener::open(&directory.socket()).unwrap_err().to_string();
    assert!(error.contains("not a socket: remove it"), "{error}");
    assert_eq!(std::fs::read(directory.0.join("s")).unwrap(), b"precious");
}

#[tokio::test]
async fn a_socket_of_another_instance_is_not_removed() {
    let directory = Directory::new("replaced");
    let path = directory.0.join("s");
    let server = Server::on(Listener::open(&directory.socket()).unwrap(), short());
    std::fs::remove_file(&path).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    drained(server.stop()).await;
    assert!(path.exists());
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let first = Listener::open(&"127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.local_address().unwrap();
    let error = Listener::open(&address).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot listen on {address}: ")),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_can_be_taken_again_at_once() {
    let _alone = COPIED.lock().await;
    let server = Server::alone(3);
    let listen = server.listen.clone();
    let mut client = server.connect().await;
    client.send(HEALTH).await;
    client.reply(false).await;
    // The server closes first, so that its end of the connection stays in TIME_WAIT.
    drained(server.stop()).await;
    Listener::open(&listen).unwrap();
}

#[tokio::test]
async fn every_address_answers_ipv4_too() {
    let Ok(listener) = Listener::open(&"[::]:0".parse().unwrap()) else {
        return; // A machine without IPv6.
    };
    let server = Server::on(listener, short());
    let port = server.address().port();
    let mut client = Client::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    client.send(HEALTH).await;
    assert_eq!(client.reply(false).await.status(), 200);
}

/// The child of the next tests: it answers one request on the passed socket.
#[tokio::test]
#[ignore = "run by the tests below, with a socket passed as systemd does"]
async fn child_with_passed_sockets() {
    match Listener::open(&"127.0.0.1:0".parse().unwrap()) {
        Err(error) => println!("refused: {error}"),
        Ok(listener) => {
            println!("listening: {}", listener.local_address().unwrap());
            let health = RequestLabels {
                path: "/healthz",
                status: 200,
            };
            let server = Server::on(listener, short());
            tokio::time::timeout(Duration::from_secs(10), async {
                while server.metrics.requests.get_or_create(&health).get() == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
            .await
            .unwrap();
            drained(server.stop()).await;
        }
    }
}

/// Runs the child with the socket on descriptor 3 and systemd's variables. A shell sets the pid, which exec keeps.
fn child(passed: OwnedFd, count: usize) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "exec 3<&0 </dev/null; LISTEN_PID=$$ exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "serving::sockets::child_with_passed_sockets",
            "--ignored",
            "--nocapture",
        ])
        .env("LISTEN_FDS", count.to_string())
        .stdin(Stdio::from(passed))
        .stdout(Stdio::piped());
    command
}

fn output(mut command: Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn systemds_tcp_socket_wins_and_keeps_its_backlog() {
    let _alone = COPIED.lock().await;
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let running = child(socket.try_clone().unwrap().into(), 1).spawn().unwrap();
    probe(&format!("http://{address}/healthz")).await.unwrap();
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && said.contains(&format!("listening: {address}")),
        "{said}"
    );
    // The child has ended; the socket still accepts connections for the next one.
    std::net::TcpStream::connect(address).unwrap();
}

#[tokio::test]
async fn systemds_unix_socket_stays_where_it_is() {
    let _alone = COPIED.lock().await;
    let directory = Directory::new("passed");
    let path = directory.0.join("s");
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let running = child(socket.into(), 1).spawn().unwrap();
    probe(&format!("unix:{}:/healthz", path.display())).await.unwrap();
    let said = String::from_utf8(running.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        said.contains(&format!("listening: unix:{}", path.display())),
        "{said}"
    );
    assert!(path.exists());
}

#[test]
fn an_unsuitable_passed_socket_is_refused_clearly() {
    let _alone = COPIED.blocking_lock();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let said = output(child(tcp.try_clone().unwrap().into(), 2));
    assert!(said.contains("refused: systemd passed 2 sockets"), "{said}");

    let one = std::net::TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let said = output(child(one.into(), 1));
    assert!(
        said.contains("refused: the socket that systemd passed is a single connection"),
        "{said}"
    );

    let datagram = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let said = output(child(datagram.into(), 1));
    assert!(
        said.contains("refused: the socket that systemd passed is not a TCP or Unix stream socket"),
        "{said}"
    );

    let file = std::fs::File::open("/dev/null").unwrap();
    let said = output(child(file.into(), 1));
    assert!(
        said.contains("refused: the socket that systemd passed is not a TCP or Unix stream socket"),
        "{said}"
    );
}
