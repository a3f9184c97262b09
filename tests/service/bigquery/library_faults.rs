//! The faults of gcp-bigquery-client that this service avoids, each shown with the library itself.
//!
//! A test that fails here after an update shows that a fault has been fixed, and with it one reason for our own
//! requests.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use gcp_bigquery_client::Client;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::error::BQError;
use gcp_bigquery_client::model::query_request::QueryRequest;
use gcp_bigquery_client::model::query_response::{QueryResponse, ResultSet};
use serde_json::json;

use crate::upstream::*;

/// A token in the form that the library expects.
#[derive(Clone)]
struct OneToken;

#[async_trait::async_trait]
impl Authenticator for OneToken {
    async fn access_token(&self) -> Result<String, BQError> {
        Ok("a-token".to_owned())
    }
}

async fn bare(peer: &Peer) -> Client {
    ClientBuilder::new()
        .with_v2_base_url(format!("{}/bigquery/v2", peer.address))
        .build_from_authenticator(Arc::new(OneToken))
        .await
        .expect("a client")
}

async fn query(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<QueryResponse, BQError> {
    let peer = peer(move |_| reply()).await;
    bare(&peer)
        .await
        .job()
        .query("billed-project", QueryRequest::new("SELECT 1"))
        .await
}

#[tokio::test]
async fn it_takes_a_running_job_for_an_empty_answer() {
    let answer = query(running).await.expect("no error");
    assert_eq!(ResultSet::new_from_query_response(answer).row_count(), 0);
}

#[tokio::test]
async fn it_panics_on_a_schema_without_fields() {
    let mut body = answer(&[("hamlet", "995")]);
    body["schema"] = json!({});
    let answer = query(move || Reply::Json(200, body.clone()))
        .await
        .expect("no error");
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| ResultSet::new_from_query_response(answer)));
    assert!(read.is_err());
}

#[tokio::test]
async fn it_loses_the_status_of_an_error_in_another_form() {
    let html = query(|| Reply::Text(503, "<html>busy</html>"))
        .await
        .expect_err("an error");
    let bare = query(|| Reply::Json(503, json!({"error": {"code": 503, "message": "busy"}})))
        .await
        .expect_err("an error");
    for error in [html, bare] {
        match error {
            BQError::RequestError(error) => assert_eq!((error.is_decode(), error.status()), (true, None)),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn it_waits_for_ever() {
    let silent = query(|| Reply::Hang);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), silent)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn it_takes_the_first_page_for_the_whole() {
    let mut page = answer(&[("hamlet", "995")]);
    page["totalRows"] = json!("2");
    page["pageToken"] = json!("more");
    let answer = query(move || Reply::Json(200, page.clone()))
        .await
        .expect("no error");
    assert_eq!(ResultSet::new_from_query_response(answer).row_count(), 1);
}

/// The service accepts a page of one mebibyte, and an error response of sixty-four kibibytes.
#[tokio::test]
async fn it_reads_a_body_of_any_size() {
    let answer = query(|| {
        let mut body = answer(&[("hamlet", "995")]);
        body["kind"] = json!("x".repeat(8 * 1024 * 1024));
        Reply::Json(200, body)
    });
    let read = answer.await.expect("no error").kind.expect("a text");
    assert_eq!(read.len(), 8 * 1024 * 1024);
}
