//! Refusals by BigQuery and by the token server.

use serde_json::json;
use wordtally::cause::chain;
use wordtally::reason::Reason;

use crate::upstream::*;

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let replies: [fn() -> Reply; 3] = [
        || refusal(401, "authError"),
        // The library by itself loses the status of both of these.
        || Reply::Text(401, "<html>who are you?</html>"),
        || {
            Reply::Json(
                401,
                json!({"error": {"code": 401, "message": "who?", "status": "UNAUTHENTICATED"}}),
            )
        },
    ];
    for reply in replies {
        let peer = peer(move |request| match request.bearer() {
            "token-0" => reply(),
            _ => Reply::Json(200, answer(&[("hamlet", "995")])),
        })
        .await;
        let (bigquery, _) = bigquery(&config(&peer)).await;
        assert_eq!(bigquery.counts().await.expect("an answer").counts.len(), 1);
        assert_eq!(bigquery.counts().await.expect("an answer").counts.len(), 1);
        let bearers: Vec<_> = peer
            .to("/queries")
            .iter()
            .map(|query| query.bearer().to_owned())
            .collect();
        assert_eq!(bearers, ["token-0", "token-1", "token-1"]);
        assert_eq!(peer.to("/token").len(), 2);
    }
}

#[tokio::test]
async fn a_second_refusal_ends_it() {
    let peer = peer(|_| refusal(401, "authError")).await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let error = bigquery.counts().await.expect_err("a failure");
    assert_eq!(error.reason, Reason::Credential);
    assert!(chain(&error).contains("401"), "{error}");
    assert!(!chain(&error).contains("token-"), "{error}");
    assert_eq!(peer.to("/queries").len(), 2);
    assert_eq!(peer.to("/token").len(), 2);
}

#[tokio::test]
async fn a_refused_credential_never_reaches_bigquery() {
    let peer = Peer::start(|_| {
        Reply::Json(
            400,
            json!({"error": "invalid_grant", "error_description": "Token has been revoked."}),
        )
    })
    .await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let error = bigquery.counts().await.expect_err("a failure");
    assert_eq!(error.reason, Reason::Credential);
    assert!(
        chain(&error).contains("invalid_grant: Token has been revoked."),
        "{error}"
    );
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_token_server_that_comes_back_is_waited_for() {
    let peer = Peer::start(|request| match (request.path.as_str(), request.nth) {
        ("/token", 0..4) => Reply::Close,
        ("/token", _) => granted("late"),
        _ => Reply::Json(200, answer(&[("hamlet", "995")])),
    })
    .await;
    let mut config = config(&peer);
    config.timeout = std::time::Duration::from_secs(10);
    let metrics = std::sync::Arc::new(wordtally::telemetry::Metrics::new(config.ttl));
    let variables = wordtally::credentials::Variables::default();
    // The waits together are longer than a failure is remembered.
    let backoff = std::time::Duration::from_millis(100);
    let bigquery = wordtally::bigquery::BigQuery::with_backoff(&config, &variables, metrics, backoff)
        .await
        .expect("a client");
    assert_eq!(bigquery.counts().await.expect("an answer").counts.len(), 1);
    assert_eq!(peer.to("/queries").len(), 1);
}
