//! Nothing waits longer than the timeout, and no job is left running.

use std::time::{Duration, Instant};

use wordtally::cause::chain;
use wordtally::reason::Reason;

use crate::upstream::*;

/// The library by itself has no timeout and would wait for ever.
#[tokio::test]
async fn a_silent_bigquery_ends_in_a_timeout() {
    let replies: [fn() -> Reply; 2] = [|| Reply::Hang, || Reply::HangInBody];
    for reply in replies {
        let peer = peer(move |_| reply()).await;
        let mut config = config(&peer);
        config.timeout = Duration::from_millis(300);
        let (bigquery, _) = bigquery(&config).await;
        let began = Instant::now();
        let error = bigquery.counts().await.expect_err("a failure");
        assert_eq!(error.reason, Reason::Timeout);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn the_timeout_covers_the_token() {
    let peer = Peer::start(|_| Reply::HangInBody).await;
    let mut config = config(&peer);
    config.timeout = Duration::from_millis(300);
    let (bigquery, _) = bigquery(&config).await;
    let began = Instant::now();
    let error = bigquery.counts().await.expect_err("a failure");
    assert_eq!(error.reason, Reason::TokenServer, "{error}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// The library by itself returns `jobComplete: false` as an empty result without an error.
#[tokio::test]
async fn a_running_job_is_polled_where_it_runs() {
    let peer = peer(|request| match (request.method.as_str(), request.nth) {
        ("POST", _) | ("GET", 0..2) => running(),
        _ => Reply::Json(200, answer(&[("hamlet", "995")])),
    })
    .await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    assert_eq!(bigquery.counts().await.expect("an answer").counts.len(), 1);
    let polls = peer.to("/queries/job_1");
    assert_eq!(polls.len(), 3);
    for poll in polls {
        assert_eq!(poll.parameters()["location"], "EU");
        assert!(poll.parameters().contains_key("timeoutMs"));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(peer.to("/cancel").is_empty());
}

#[tokio::test]
async fn polling_survives_a_transient_failure() {
    let peer = peer(|request| match (request.method.as_str(), request.nth) {
        ("POST", _) => running(),
        ("GET", 0) => Reply::Text(503, "<html>busy</html>"),
        _ => Reply::Json(200, answer(&[("hamlet", "995")])),
    })
    .await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    assert_eq!(bigquery.counts().await.expect("an answer").counts.len(), 1);
    // The job was not run a second time.
    assert_eq!(peer.to("/queries").len(), 1);
}

#[tokio::test]
async fn a_job_that_outlives_the_timeout_is_cancelled() {
    let peer = peer(|_| running()).await;
    let mut config = config(&peer);
    config.timeout = Duration::from_millis(200);
    let (bigquery, _) = bigquery(&config).await;
    let error = bigquery.counts().await.expect_err("a failure");
    assert_eq!(error.reason, Reason::Timeout);
    assert!(
        chain(&error).contains("the job job_1 was still running"),
        "{error}"
    );
    let cancel = peer.awaited("/cancel").await;
    assert_eq!(cancel.method, "POST");
    assert_eq!(
        cancel.path,
        "/bigquery/v2/projects/billed-project/jobs/job_1/cancel"
    );
    assert_eq!(cancel.parameters()["location"], "EU");
    assert_eq!(cancel.bearer(), "token-0");
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_is_cancelled() {
    let peer = peer(|_| running()).await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let waiting = tokio::spawn(async move { bigquery.counts().await.is_ok() });
    peer.awaited("/queries/job_1").await;
    waiting.abort();
    peer.awaited("/cancel").await;
}

#[tokio::test]
async fn a_server_that_does_not_hold_polls_back_is_not_flooded() {
    let peer = peer(|_| running()).await;
    let mut config = config(&peer);
    config.timeout = Duration::from_millis(600);
    let metrics = std::sync::Arc::new(wordtally::telemetry::Metrics::new(config.ttl));
    let variables = wordtally::credentials::Variables::default();
    let bigquery = wordtally::bigquery::BigQuery::new(&config, &variables, metrics)
        .await
        .expect("a client");
    bigquery.counts().await.expect_err("a failure");
    let polls = peer.to("/queries/job_1").len();
    assert!((1..=3).contains(&polls), "{polls}");
}
