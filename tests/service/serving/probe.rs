//! The probe of a container's health check.

use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;
use wordtally::probe::probe;

use super::server::{Server, short};

#[tokio::test]
async fn only_a_200_is_healthy() {
    let server = Server::without_answer(short());
    let base = format!("http://{}", server.address());
    assert_eq!(probe(&format!("{base}/healthz")).await, Ok(()));
    let unready = probe(&format!("{base}/readyz")).await.unwrap_err();
    assert!(unready.contains("answered 503"), "{unready}");
    server.publish(995);
    assert_eq!(probe(&format!("{base}/readyz")).await, Ok(()));
    assert_eq!(probe(&base).await, Ok(()), "without a path it asks for /");
    let none = probe(&format!("{base}/none")).await.unwrap_err();
    assert!(none.contains("answered 404"), "{none}");
}

#[tokio::test]
async fn an_address_without_a_server_is_one_sentence() {
    // It is bound, so that no other test gets it, and does not listen.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = taken.local_addr().unwrap();
    let error = probe(&format!("http://{gone}/")).await.unwrap_err();
    assert!(
        error.contains("cannot be asked") && error.contains("refused"),
        "{error}"
    );
    let error = probe("unix:/nowhere/at/all:/readyz").await.unwrap_err();
    assert!(error.contains("cannot be asked"), "{error}");
    assert!(
        probe("ftp://a/")
            .await
            .unwrap_err()
            .contains("invalid address to probe")
    );
}

#[tokio::test]
async fn a_peer_that_does_not_speak_http_or_closes_is_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = tokio::spawn(async move {
        for answer in ["", "hello\r\n\r\n"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024])
                .await
                .unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes())
                .await
                .unwrap();
        }
    });
    for _ in 0..2 {
        let error = probe(&format!("http://{address}/")).await.unwrap_err();
        assert!(error.contains("cannot be asked"), "{error}");
    }
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_hangs_is_given_up_after_five_seconds() {
    // It accepts through its backlog, and never responds.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let begun = Instant::now();
    let error = probe(&url).await.unwrap_err();
    assert!(error.contains("did not answer within 5 seconds"), "{error}");
    // By the paused clock, which jumps to the next timer when there is nothing else to do.
    assert_eq!(begun.elapsed().as_secs(), 5);
}
