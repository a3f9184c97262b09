//! Each type of credential gets its token, by requests in the form that Google expects.

use std::time::{Duration, SystemTime};

use serde_json::json;
use wordtally::cause::chain;
use wordtally::credentials::{Kind, Origin};

use crate::upstream::*;

const BIGQUERY: &str = "https://www.googleapis.com/auth/bigquery";
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Grants tokens at `/token` and `/sts`, and impersonates at `/impersonate`.
async fn google() -> Peer {
    Peer::start(|request| match request.path.as_str() {
        "/token" => granted("from-token"),
        "/sts" => granted("from-sts"),
        "/impersonate" => Reply::Json(
            200,
            json!({"accessToken": "impersonated", "expireTime": in_an_hour()}),
        ),
        "/subject" => Reply::Json(200, json!({"value": "subject-from-url"})),
        _ => Reply::Text(404, "nothing here"),
    })
    .await
}

fn in_an_hour() -> String {
    // The format in which Google writes it.
    let end = SystemTime::now() + Duration::from_secs(3600);
    humantime::format_rfc3339_seconds(end).to_string()
}

#[tokio::test]
async fn a_service_account_signs_for_its_token() {
    let peer = google().await;
    let tokens = tokens(&service_account(&peer));
    assert_eq!(tokens.token().await.expect("a token").secret(), "from-token");
    let form = peer.to("/token")[0].form();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!(form["assertion"].split('.').count(), 3);
}

#[tokio::test]
async fn a_person_trades_the_refresh_token_where_the_file_says() {
    let peer = google().await;
    let tokens = tokens(&authorized_user(&peer));
    assert_eq!(tokens.token().await.expect("a token").secret(), "from-token");
    let form = peer.to("/token")[0].form();
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["client_id"], "the-client");
    assert_eq!(form["client_secret"], "hush-client");
    assert_eq!(form["refresh_token"], "hush-refresh");
}

#[tokio::test]
async fn a_workload_exchanges_the_token_in_its_file() {
    let peer = google().await;
    let source = json!({"file": file("subject-from-file"), "format": {"type": "text"}});
    let tokens = tokens(&external_account(&peer, source));
    assert_eq!(tokens.token().await.expect("a token").secret(), "from-sts");
    let form = peer.to("/sts")[0].form();
    assert_eq!(
        form["grant_type"],
        "urn:ietf:params:oauth:grant-type:token-exchange"
    );
    assert_eq!(form["subject_token"], "subject-from-file");
    assert_eq!(form["scope"], BIGQUERY);
}

#[tokio::test]
async fn a_workload_may_fetch_its_token_and_act_as_a_service_account() {
    let peer = google().await;
    let mut credential = external_account(
        &peer,
        json!({
            "url": format!("{}/subject", peer.address),
            "headers": {"X-Asked-By": "tally", "Accept": "application/json"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        }),
    );
    credential["service_account_impersonation_url"] = json!(format!("{}/impersonate", peer.address));
    credential["service_account_impersonation"] = json!({"token_lifetime_seconds": 1800});
    let tokens = tokens(&credential);
    assert_eq!(tokens.token().await.expect("a token").secret(), "impersonated");
    assert_eq!(peer.to("/subject")[0].header("x-asked-by"), "tally");
    // The requested token type is not a secret: the log keeps the word.
    let path = "/application_default_credentials.json";
    assert_eq!(wordtally::secrets::redacted(path), path);
    let form = peer.to("/sts")[0].form();
    assert_eq!(form["subject_token"], "subject-from-url");
    assert_eq!(form["scope"], CLOUD_PLATFORM);
    let request = &peer.to("/impersonate")[0];
    assert_eq!(request.bearer(), "from-sts");
    assert_eq!(request.json(), json!({"scope": [BIGQUERY], "lifetime": "1800s"}));
}

/// As on Azure, where the machine's own server gives the subject token by http, and Google is asked by https.
#[tokio::test]
async fn a_workload_may_ask_one_server_by_http_and_another_by_https() {
    let peer = google().await;
    let source = json!({
        "url": format!("{}/subject", peer.address),
        "format": {"type": "json", "subject_token_field_name": "value"},
    });
    let mut credential = external_account(&peer, source);
    // Nothing speaks TLS there; a machine without certificates cannot even connect.
    credential["token_url"] = json!(peer.address.replace("http:", "https:"));
    let error = tokens(&credential).token().await.expect_err("no token");
    assert!(!peer.to("/subject").is_empty(), "{}", chain(&error));
}

/// yup-oauth2 would send the whole JSON text as the token.
#[tokio::test]
async fn a_subject_token_may_be_in_a_json_file() {
    let peer = google().await;
    let source = json!({
        "file": file(&json!({"id_token": "subject-from-json"}).to_string()),
        "format": {"type": "json", "subject_token_field_name": "id_token"},
    });
    tokens(&external_account(&peer, source))
        .token()
        .await
        .expect("a token");
    assert_eq!(peer.to("/sts")[0].form()["subject_token"], "subject-from-json");
}

/// With a pipe, each attempt of yup-oauth2 leaves a thread that waits for its writer; an endless file is read until
/// memory is full.
#[tokio::test]
async fn a_subject_token_that_is_not_a_small_file_is_refused_at_once() {
    let peer = google().await;
    let directory = tempfile::tempdir().expect("a directory");
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    // Larger than any file, and regular.
    let large = file(&"x".repeat(65_537));
    for (path, said) in [
        (pipe.as_path(), "is not a regular file"),
        ("/dev/zero".as_ref(), "is not a regular file"),
        ("/".as_ref(), "is not a regular file"),
        (&large, "has more than 64 KiB"),
        ("/nowhere/token".as_ref(), "cannot be read: No such file"),
    ] {
        let tokens = tokens(&external_account(&peer, json!({"file": path})));
        let began = std::time::Instant::now();
        let error = tokens.token().await.expect_err(said);
        assert!(began.elapsed() < Duration::from_millis(500), "{path:?}");
        assert_eq!(error.kind, Kind::Refused);
        let whole = chain(&error);
        assert!(
            whole.contains(said) && whole.contains(&path.display().to_string()),
            "{whole}"
        );
    }
    assert!(peer.seen().is_empty());
}

/// As Kubernetes projects one: a link to a file in a folder that is a link, both replaced with each token.
#[tokio::test]
async fn a_subject_token_may_be_behind_links_and_in_proc() {
    let peer = google().await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("..2026_11_26")).expect("a folder");
    std::fs::write(path("..2026_11_26/token"), "subject-from-link").expect("a file");
    std::os::unix::fs::symlink("..2026_11_26", path("..data")).expect("a link");
    std::os::unix::fs::symlink("..data/token", path("token")).expect("a link");
    for link in [path("token"), "/proc/sys/kernel/ostype".into()] {
        tokens(&external_account(&peer, json!({"file": link})))
            .token()
            .await
            .expect("a token");
    }
    assert_eq!(peer.to("/sts")[0].form()["subject_token"], "subject-from-link");
}

/// yup-oauth2 needs a `format` here; Google's own libraries assume text if there is none.
#[tokio::test]
async fn a_fetched_subject_token_is_text_unless_told_otherwise() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/subject" => Reply::Text(200, "plain-subject"),
        _ => granted("from-sts"),
    })
    .await;
    let source = json!({"url": format!("{}/subject", peer.address)});
    let tokens = tokens(&external_account(&peer, source));
    tokens.token().await.expect("a token");
    assert_eq!(peer.to("/sts")[0].form()["subject_token"], "plain-subject");
}

#[tokio::test]
async fn any_source_may_impersonate() {
    let peer = google().await;
    let workload = external_account(&peer, json!({"file": file("subject")}));
    for (source, own) in [
        (authorized_user(&peer), "from-token"),
        (service_account(&peer), "from-token"),
        (workload, "from-sts"),
    ] {
        let tokens = tokens(&json!({
            "type": "impersonated_service_account",
            "service_account_impersonation_url": format!("{}/impersonate", peer.address),
            "source_credentials": source,
            "delegates": ["projects/-/serviceAccounts/between"],
        }));
        assert_eq!(tokens.token().await.expect("a token").secret(), "impersonated");
        let request = peer.to("/impersonate").pop().expect("a request");
        assert_eq!(request.bearer(), own);
        assert_eq!(request.json()["scope"], json!([BIGQUERY]));
        assert_eq!(
            request.json()["delegates"],
            json!(["projects/-/serviceAccounts/between"])
        );
    }
}

#[tokio::test]
async fn a_machine_asks_its_metadata_server() {
    let peer = Peer::start(|_| granted("from-metadata")).await;
    let base = format!("{}/", peer.address).parse().expect("an address");
    let tokens = tokens_at(Origin::Metadata(base));
    assert_eq!(tokens.token().await.expect("a token").secret(), "from-metadata");
    let request = &peer.seen()[0];
    assert_eq!(
        request.path,
        "/computeMetadata/v1/instance/service-accounts/default/token"
    );
    assert_eq!(request.header("metadata-flavor"), "Google");
    assert_eq!(request.parameters()["scopes"], BIGQUERY);
}

#[tokio::test]
async fn a_refused_impersonation_says_why_and_is_not_repeated() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/impersonate" => refusal(403, "IAM_PERMISSION_DENIED"),
        _ => granted("own"),
    })
    .await;
    let error = tokens(&json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": format!("{}/impersonate", peer.address),
        "source_credentials": authorized_user(&peer),
    }))
    .token()
    .await
    .expect_err("a failure");
    assert_eq!(error.kind, Kind::Refused);
    assert!(
        chain(&error).contains("403") && chain(&error).contains("IAM_PERMISSION_DENIED"),
        "{error}"
    );
    assert_eq!(peer.to("/impersonate").len(), 1);
}

#[tokio::test]
async fn without_file_and_metadata_server_the_log_says_what_is_missing() {
    // Bound and closed again, so that nothing listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let base = format!("http://{free}/").parse().expect("an address");
    let error = tokens_at(Origin::Metadata(base))
        .token()
        .await
        .expect_err("a failure");
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(chain(&error).contains("no credential file was found"), "{error}");
    // Including the system's own message.
    assert!(chain(&error).contains("refused"), "{error}");
}
