//! Which failures are retried, which are not, and how they are reported.

use std::time::Duration;

use serde_json::{Value, json};
use wordtally::cause::chain;
use wordtally::reason::Reason;

use crate::upstream::*;

/// Produces the same reply each time.
type Replies = fn() -> Reply;

/// Fails once with the reply, then answers.
async fn once(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Peer, Result<usize, (Reason, String)>) {
    let peer = peer(move |request| match request.nth {
        0 => reply(),
        _ => Reply::Json(200, answer(&[("hamlet", "995")])),
    })
    .await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let result = bigquery.counts().await;
    let result = result
        .map(|found| found.counts.len())
        .map_err(|error| (error.reason, chain(&error)));
    (peer, result)
}

/// The library by itself retries nothing, so each of these is an error there.
#[tokio::test]
async fn transient_failures_are_retried_with_the_same_request_id() {
    let cases: [(&str, Replies); 11] = [
        ("429", || refusal(429, "rateLimitExceeded")),
        ("500", || refusal(500, "internalError")),
        ("502", || refusal(502, "backendError")),
        ("503", || refusal(503, "backendError")),
        ("504", || refusal(504, "backendError")),
        ("403 rateLimitExceeded", || refusal(403, "rateLimitExceeded")),
        // The library reports "expected value at line 1 column 1" for this, without a status.
        ("HTML 503", || Reply::Text(503, "<html>busy</html>")),
        // And "missing field `errors`" for this.
        ("503 without errors[]", || {
            Reply::Json(503, json!({"error": {"code": 503, "message": "busy"}}))
        }),
        ("connection closed", || Reply::Close),
        ("body cut off", || Reply::Truncate),
        ("HTML 429", || Reply::Text(429, "slow down")),
    ];
    for (name, reply) in cases {
        let (peer, result) = once(reply).await;
        assert_eq!(result, Ok(1), "{name}");
        let queries = peer.to("/queries");
        assert_eq!(queries.len(), 2, "{name}");
        assert_eq!(
            queries[0].json()["requestId"],
            queries[1].json()["requestId"],
            "{name}"
        );
    }
}

#[tokio::test]
async fn lasting_failures_are_sent_once_and_sorted() {
    let cases: [(&str, Replies, Reason); 11] = [
        ("400", || refusal(400, "invalidQuery"), Reason::Invalid),
        (
            "over the cap",
            || refusal(400, "bytesBilledLimitExceeded"),
            Reason::Invalid,
        ),
        (
            "403 accessDenied",
            || refusal(403, "accessDenied"),
            Reason::Denied,
        ),
        (
            "403 quotaExceeded",
            || refusal(403, "quotaExceeded"),
            Reason::Quota,
        ),
        ("404", || refusal(404, "notFound"), Reason::NotFound),
        ("501", || refusal(501, "notImplemented"), Reason::Unavailable),
        ("redirect", || Reply::Text(302, "elsewhere"), Reason::Unavailable),
        (
            "HTML 403",
            || Reply::Text(403, "<html>a proxy says no</html>"),
            Reason::Denied,
        ),
        (
            "HTML 404",
            || Reply::Text(404, "<html>no such page</html>"),
            Reason::NotFound,
        ),
        (
            "403 without errors[]",
            || Reply::Json(403, json!({"error": {"code": 403, "message": "no"}})),
            Reason::Denied,
        ),
        (
            "HTML 200",
            || Reply::Text(200, "<html>a captive portal</html>"),
            Reason::Malformed,
        ),
    ];
    for (name, reply, reason) in cases {
        let (peer, result) = once(reply).await;
        assert_eq!(result.map_err(|(reason, _)| reason), Err(reason), "{name}");
        assert_eq!(peer.to("/queries").len(), 1, "{name}");
    }
}

#[tokio::test]
async fn the_cause_has_googles_words_and_no_token() {
    let (_peer, result) = once(|| refusal(403, "accessDenied")).await;
    let (_, cause) = result.expect_err("a failure");
    for part in ["403", "SOME_STATUS", "accessDenied", "words about accessDenied"] {
        assert!(cause.contains(part), "{cause}");
    }
    assert!(!cause.contains("token-0"), "{cause}");
}

#[tokio::test]
async fn a_job_with_a_transient_failure_is_run_again() {
    let (peer, result) = once(|| {
        let mut failed = answer(&[]);
        failed["errors"] = json!([{"reason": "backendError", "message": "a worker was lost"}]);
        failed["totalRows"] = Value::Null;
        Reply::Json(200, failed)
    })
    .await;
    assert_eq!(result, Ok(1));
    let queries = peer.to("/queries");
    // With the same ID BigQuery would return the failed job.
    assert_ne!(queries[0].json()["requestId"], queries[1].json()["requestId"]);
}

/// The library by itself returns such an answer as an empty result.
#[tokio::test]
async fn a_job_that_failed_for_good_is_an_error() {
    let (peer, result) = once(|| {
        let mut failed = answer(&[]);
        failed["errors"] = json!([{"reason": "accessDenied", "message": "no access to the table"}]);
        failed["totalRows"] = Value::Null;
        Reply::Json(200, failed)
    })
    .await;
    let (reason, cause) = result.expect_err("a failure");
    assert_eq!(reason, Reason::Denied);
    assert!(cause.contains("no access to the table"), "{cause}");
    assert_eq!(peer.to("/queries").len(), 1);
}

#[tokio::test]
async fn attempts_end_though_time_is_left_and_each_is_counted_as_a_job() {
    let peer = peer(|_| refusal(503, "backendError")).await;
    let mut config = config(&peer);
    config.timeout = Duration::from_secs(60);
    let (bigquery, metrics) = bigquery(&config).await;
    let error = bigquery.counts().await.expect_err("a failure");
    assert_eq!(error.reason, Reason::Unavailable);
    assert!(chain(&error).contains("503"), "{error}");
    assert!(chain(&error).ends_with("(try 8)"), "{error}");
    assert_eq!(peer.to("/queries").len(), 8);
    assert!(
        metrics
            .render()
            .expect("metrics")
            .contains("wordtally_bigquery_jobs_total 8\n")
    );
}

#[tokio::test]
async fn no_attempt_begins_that_the_deadline_would_cut_off() {
    let peer = peer(|_| refusal(503, "backendError")).await;
    let mut config = config(&peer);
    config.timeout = Duration::from_secs(4);
    let metrics = std::sync::Arc::new(wordtally::telemetry::Metrics::new(config.ttl));
    let variables = wordtally::credentials::Variables::default();
    let backoff = Duration::from_secs(30);
    let bigquery = wordtally::bigquery::BigQuery::with_backoff(&config, &variables, metrics, backoff)
        .await
        .expect("a client");
    let began = std::time::Instant::now();
    let error = bigquery.counts().await.expect_err("a failure");
    // The failure itself is reported, not a timeout.
    assert_eq!(error.reason, Reason::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(3));
}

/// The library does not expose the headers of a response.
#[tokio::test]
async fn a_server_is_left_alone_for_as_long_as_it_says() {
    let busy = |seconds| Reply::Later(503, seconds);
    let peer = peer(move |request| match request.nth {
        0 => busy("1"),
        _ => Reply::Json(200, answer(&[("hamlet", "995")])),
    })
    .await;
    let (first, _) = bigquery(&config(&peer)).await;
    let began = std::time::Instant::now();
    first.counts().await.expect("an answer");
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(3),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_server_that_wants_more_than_is_left_is_not_waited_for() {
    for later in ["6", "18446744073709551615", "Fri, 31 Dec 2100 23:59:59 GMT"] {
        let peer = peer(move |_| Reply::Later(429, later)).await;
        let (bigquery, _) = bigquery(&config(&peer)).await;
        let began = std::time::Instant::now();
        let error = bigquery.counts().await.expect_err("a failure");
        assert_eq!(error.reason, Reason::Quota);
        assert!(began.elapsed() < Duration::from_secs(1), "{later}");
        assert_eq!(peer.to("/queries").len(), 1);
    }
}
