//! `wordtally probe`, by port and by a Unix socket that the service removes when it stops.

use tokio::net::UnixStream;

use crate::google::*;
use crate::http::Client;
use crate::instance::*;

#[tokio::test]
async fn a_unix_socket_serves_is_probed_and_is_removed_at_the_end() {
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

#[tokio::test]
async fn probe_distinguishes_ready_from_alive() {
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
