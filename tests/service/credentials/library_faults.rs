//! The faults of yup-oauth2 that this service avoids, each shown with the library itself.
//!
//! A test that fails here after an update shows that a fault has been fixed, and with it one reason for our own
//! requests.

use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::{CustomHyperClientBuilder, ServiceAccountAuthenticator, parse_service_account_key};

use crate::upstream::*;

async fn bare(credential: &Value) -> Authenticator<HttpConnector> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let key = parse_service_account_key(credential.to_string()).expect("a key");
    ServiceAccountAuthenticator::with_client(key, CustomHyperClientBuilder::from(client))
        .with_timeout(Duration::from_millis(50))
        .build()
        .await
        .expect("an authenticator")
}

#[tokio::test]
async fn it_keeps_the_absence_of_a_token_for_ever() {
    for body in [json!({}), json!({"error": {"code": 503, "message": "busy"}})] {
        let peer = Peer::start(move |_| Reply::Json(200, body.clone())).await;
        let bare = bare(&service_account(&peer)).await;
        for _ in 0..3 {
            let token = bare.token(&["scope"]).await.expect("no error");
            assert_eq!((token.token(), token.is_expired()), (None, false));
        }
        assert_eq!(peer.seen().len(), 1);
    }
}

#[tokio::test]
async fn it_keeps_a_token_without_a_lifetime_for_ever() {
    let peer = Peer::start(|_| Reply::Json(200, json!({"access_token": "x"}))).await;
    let bare = bare(&service_account(&peer)).await;
    let token = bare.token(&["scope"]).await.expect("no error");
    assert_eq!((token.expiration_time(), token.is_expired()), (None, false));
}

#[tokio::test]
async fn it_sends_a_request_for_every_caller() {
    let peer = Peer::start(|_| {
        Reply::After(
            Duration::from_millis(50),
            json!({"access_token": "x", "expires_in": 3600}),
        )
    })
    .await;
    let bare = bare(&service_account(&peer)).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let bare = bare.clone();
        callers.spawn(async move { bare.token(&["scope"]).await.is_ok() });
    }
    callers.join_all().await;
    assert_eq!(peer.seen().len(), 20);
}

#[tokio::test]
async fn it_ignores_its_timeout() {
    for reply in [|| Reply::Hang, || Reply::HangInBody] as [fn() -> Reply; 2] {
        let peer = Peer::start(move |_| reply()).await;
        let bare = bare(&service_account(&peer)).await;
        let waited = tokio::time::timeout(Duration::from_millis(300), bare.token(&["scope"])).await;
        assert!(waited.is_err());
    }
}

#[tokio::test]
async fn it_panics_on_a_bad_address_and_on_an_absurd_lifetime() {
    let peer = Peer::start(|_| Reply::Json(200, json!({"access_token": "x", "expires_in": i64::MAX}))).await;
    let absurd = service_account(&peer);
    let mut bad = absurd.clone();
    bad["token_uri"] = json!("not an address");
    for credential in [bad, absurd] {
        let fetch = tokio::spawn(async move { bare(&credential).await.token(&["scope"]).await.is_ok() });
        assert!(fetch.await.is_err_and(|error| error.is_panic()));
    }
}

/// The service accepts sixty-four kibibytes.
#[tokio::test]
async fn it_reads_a_body_of_any_size() {
    let long = "x".repeat(8 * 1024 * 1024);
    let peer = Peer::start(move |_| Reply::Json(200, json!({"access_token": long}))).await;
    let bare = bare(&service_account(&peer)).await;
    let token = bare.token(&["scope"]).await.expect("no error");
    assert_eq!(token.token().map(str::len), Some(8 * 1024 * 1024));
}

#[tokio::test]
async fn it_reads_a_subject_token_without_end() {
    let peer = Peer::start(|_| granted("x")).await;
    let file = file(&"x".repeat(8 * 1024 * 1024));
    let secret = serde_json::from_value(external_account(&peer, json!({"file": file}))).expect("a secret");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let bare = yup_oauth2::ExternalAccountAuthenticator::with_client(
        secret,
        CustomHyperClientBuilder::<HttpConnector>::from(client),
    )
    .build()
    .await
    .expect("an authenticator");
    bare.token(&["scope"]).await.expect("no error");
    assert_eq!(peer.seen()[0].form()["subject_token"].len(), 8 * 1024 * 1024);
}
