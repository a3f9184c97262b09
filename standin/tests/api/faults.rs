//! Each fault happens as it was ordered, and as often.

use std::error::Error;
use std::time::{Duration, Instant};

use bigquery_standin::faults::{ErrorBody, Fault, Kind, Target};
use bigquery_standin::{Options, Standin};
use serde_json::json;

use crate::support::*;

fn status(code: u16, body: ErrorBody, retry_after: Option<u32>) -> Kind {
    Kind::Status {
        code,
        body,
        retry_after,
    }
}

#[tokio::test]
async fn statuses_come_as_often_as_ordered() {
    let (standin, client) = open().await;
    standin.add_fault(Fault::times(2, Target::Query, status(503, ErrorBody::Json, None)));
    standin.add_fault(Fault::times(
        1,
        Target::Query,
        status(429, ErrorBody::JsonWithoutErrors, Some(7)),
    ));
    for _ in 0..2 {
        let (code, body) = client.query(three_rows()).await;
        assert_eq!((code.as_u16(), reason(&body)), (503, "backendError"));
    }
    let response = client
        .send_post(&format!("{PROJECT}/queries"), three_rows())
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
    let (code, body) = read(response).await;
    assert_eq!(
        (code.as_u16(), &body["error"]["code"], body["error"].get("errors")),
        (429, &json!(429), None)
    );
    assert_eq!(client.query(three_rows()).await.0, 200);
    standin.add_fault(Fault::times(1, Target::Any, status(503, ErrorBody::Html, None)));
    let response = client.send_get(&format!("{PROJECT}/jobs")).await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.text().await.unwrap().contains("<html"));
    standin.add_fault(Fault::times(1, Target::Query, Kind::Quota));
    let (code, body) = client.query(three_rows()).await;
    assert_eq!((code.as_u16(), reason(&body)), (403, "rateLimitExceeded"));
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (standin, client) = open().await;
    standin.add_fault(Fault::times(1, Target::Query, Kind::Reset));
    let error = client
        .send_post(&format!("{PROJECT}/queries"), three_rows())
        .await
        .unwrap_err();
    let mut cause: Option<&dyn Error> = Some(&error);
    let mut kinds = Vec::new();
    while let Some(error) = cause {
        kinds.extend(error.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        cause = error.source();
    }
    assert!(kinds.contains(&std::io::ErrorKind::ConnectionReset), "{error:?}");
    assert_eq!(client.query(three_rows()).await.0, 200);
}

#[tokio::test]
async fn a_truncated_body_breaks_off_and_a_malformed_one_does_not_parse() {
    let (standin, client) = open().await;
    standin.add_fault(Fault::times(1, Target::Query, Kind::Truncated));
    let response = client
        .send_post(&format!("{PROJECT}/queries"), three_rows())
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.content_length().unwrap() > 100);
    assert!(response.text().await.is_err());
    standin.add_fault(Fault::times(1, Target::Query, Kind::MalformedJson));
    let response = client
        .send_post(&format!("{PROJECT}/queries"), three_rows())
        .await
        .unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&response.text().await.unwrap()).is_err());
}

#[tokio::test]
async fn latency_delays_and_a_hang_does_not_hold_the_shutdown() {
    let (standin, client) = open().await;
    standin.add_fault(Fault::times(
        1,
        Target::Query,
        Kind::Latency { milliseconds: 200 },
    ));
    let begun = Instant::now();
    assert_eq!(client.query(three_rows()).await.0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    standin.add_fault(Fault::times(1, Target::Query, Kind::Hang));
    let hanging = tokio::spawn(async move {
        client
            .send_post(&format!("{PROJECT}/queries"), three_rows())
            .await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!hanging.is_finished());
    let begun = Instant::now();
    standin.shutdown().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn answers_lose_their_parts() {
    let (standin, client) = open().await;
    standin.add_fault(Fault::times(1, Target::Query, Kind::NoRows));
    let (_, body) = client.query(three_rows()).await;
    assert_eq!((body.get("rows"), &body["totalRows"]), (None, &json!("3")));
    standin.add_fault(Fault::times(1, Target::Query, Kind::NoFields));
    assert_eq!(client.query(three_rows()).await.1["schema"], json!({}));
}

#[tokio::test]
async fn the_token_endpoint_fails_in_its_own_ways() {
    let (standin, _) = open().await;
    let ask =
        async |standin: &Standin| assert_grant(standin, &signed(key(), &claims(&standin.token_uri()))).await;
    standin.add_fault(Fault::times(1, Target::Token, status(503, ErrorBody::Json, None)));
    standin.add_fault(Fault::times(1, Target::Token, Kind::EmptyObject));
    standin.add_fault(Fault::times(1, Target::Token, Kind::ErrorObject));
    standin.add_fault(Fault::times(1, Target::Token, Kind::NoExpiry));
    // A fault that does not replace the response does not wait for others: it has already struck the 503.
    assert_eq!(ask(&standin).await.0, 503);
    assert_eq!(ask(&standin).await.1, json!({}));
    let (code, body) = ask(&standin).await;
    assert_eq!((code.as_u16(), &body["error"]["code"]), (200, &json!(503)));
    standin.add_fault(Fault::times(1, Target::Token, Kind::NoExpiry));
    let (_, body) = ask(&standin).await;
    assert!(body["access_token"].is_string() && body.get("expires_in").is_none());
    assert_eq!(ask(&standin).await.1["expires_in"], 3600);
    assert_eq!(standin.counters().token_requests, 6);
}

#[tokio::test]
async fn faults_are_ordered_over_http_only_with_admin() {
    let (closed_one, _) = open().await;
    let http = reqwest::Client::new();
    let order = json!({"target": "any", "kind": "status", "code": 500, "body": "html", "times": 1});
    let url = format!("{}/standin/faults", closed_one.url());
    assert_eq!(http.post(url).json(&order).send().await.unwrap().status(), 404);
    let standin = closed(Options {
        admin: true,
        ..Options::new(database())
    })
    .await;
    standin.allow(&key().member(), PROJECT, DATASET);
    let client = Client::of(&standin).await;
    let url = format!("{}/standin/faults", standin.url());
    assert_eq!(http.post(&url).json(&order).send().await.unwrap().status(), 204);
    let (_, list) = read(http.get(&url).send().await.unwrap()).await;
    assert_eq!(list[0]["kind"], "status");
    assert_eq!(
        client
            .send_get(&format!("{PROJECT}/jobs"))
            .await
            .unwrap()
            .status(),
        500
    );
    assert_eq!(
        client
            .send_get(&format!("{PROJECT}/jobs"))
            .await
            .unwrap()
            .status(),
        200
    );
    http.post(&url)
        .json(&json!({"target": "any", "kind": "hang"}))
        .send()
        .await
        .unwrap();
    assert_eq!(http.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(client.query(three_rows()).await.0, 200);
    let wrong = json!({"target": "any", "kind": "earthquake"});
    assert_eq!(http.post(&url).json(&wrong).send().await.unwrap().status(), 400);
    let (_, counters) = read(
        http.get(format!("{}/standin/counters", standin.url()))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(counters["jobsCreated"], 1);
}
