//! A machine without CA certificates: http addresses work, https ones say what is missing.

use std::process::Command;

use crate::sockets::COPIED;
use crate::upstream::*;

/// Runs the tests below in a process that finds no certificates.
#[test]
fn without_ca_certificates() {
    let _alone = COPIED.blocking_lock();
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "credentials::no_certificates::inner"])
        .env("SSL_CERT_FILE", "/nowhere/bundle.crt")
        .env("SSL_CERT_DIR", "/nowhere")
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn inner() {
    let peer = peer(|_| Reply::Json(200, answer(&[("hamlet", "995")]))).await;
    let mut config = config(&peer);
    config.credentials = Some(file(&service_account(&peer).to_string()));

    // The fault is real: not even yup-oauth2's own client can be created.
    let key = yup_oauth2::parse_service_account_key(service_account(&peer).to_string()).expect("a key");
    assert!(
        yup_oauth2::ServiceAccountAuthenticator::builder(key)
            .build()
            .await
            .is_err()
    );

    let (bigquery, _) = bigquery(&config).await;
    assert_eq!(bigquery.counts().await.expect("an answer").counts.len(), 1);

    config.bigquery_endpoint = "https://bigquery.googleapis.com".parse().expect("an endpoint");
    let metrics = std::sync::Arc::new(wordtally::telemetry::Metrics::new(config.ttl));
    let variables = wordtally::credentials::Variables::default();
    let refused = wordtally::bigquery::BigQuery::new(&config, &variables, metrics).await;
    let sentence = refused.expect_err("a refusal").to_string();
    assert!(sentence.contains("needs CA certificates"), "{sentence}");
}
