//! `wordtally_bigquery_jobs_total` counts the queries that were sent to BigQuery, no more and no fewer.

use std::time::Duration;

use serde_json::json;
use wordtally::config::Config;

use crate::upstream::*;

/// Asks once, for at most a second, and returns the metric.
async fn counted(mut config: Config) -> String {
    config.timeout = Duration::from_secs(1);
    let (bigquery, metrics) = bigquery(&config).await;
    let _ = bigquery.counts().await;
    let metrics = metrics.render().expect("metrics");
    let line = metrics
        .lines()
        .find(|line| line.starts_with("wordtally_bigquery_jobs_total "));
    line.expect("the metric").to_owned()
}

#[tokio::test]
async fn each_query_that_was_sent_counts_however_it_ended() {
    let silent = peer(|_| Reply::Hang).await;
    assert_eq!(counted(config(&silent)).await, "wordtally_bigquery_jobs_total 1");

    let broken = peer(|request| match request.nth {
        0 => Reply::Truncate,
        1 => refusal(503, "backendError"),
        _ => Reply::Json(200, answer(&[("hamlet", "995")])),
    })
    .await;
    assert_eq!(counted(config(&broken)).await, "wordtally_bigquery_jobs_total 3");
    assert_eq!(broken.to("/queries").len(), 3);
}

#[tokio::test]
async fn what_was_never_sent_does_not_count() {
    let refused = Peer::start(|_| Reply::Json(400, json!({"error": "invalid_grant"}))).await;
    assert_eq!(counted(config(&refused)).await, "wordtally_bigquery_jobs_total 0");

    // The timeout ends the wait for a token.
    let hung = Peer::start(|_| Reply::Hang).await;
    assert_eq!(counted(config(&hung)).await, "wordtally_bigquery_jobs_total 0");
    assert_eq!(hung.to("/queries").len(), 0);

    let elsewhere = peer(|_| Reply::Hang).await;
    let mut unreachable = config(&elsewhere);
    unreachable.bigquery_endpoint = "http://127.0.0.1:1".parse().expect("an endpoint");
    assert_eq!(counted(unreachable).await, "wordtally_bigquery_jobs_total 0");
}
