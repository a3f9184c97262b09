//! Which credential files are accepted, and the errors for the others.

use serde_json::{Value, json};
use wordtally::credentials::File;

use crate::upstream::*;

async fn good() -> Vec<(&'static str, Value)> {
    let peer = Peer::start(|_| Reply::Close).await;
    let impersonated = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/x:generateAccessToken",
        "source_credentials": authorized_user(&peer),
        "delegates": [],
        "quota_project_id": "billed-project",
    });
    vec![
        ("service_account", service_account(&peer)),
        ("authorized_user", authorized_user(&peer)),
        (
            "external_account",
            external_account(&peer, json!({"file": "/run/token"})),
        ),
        ("impersonated_service_account", impersonated),
    ]
}

/// Reads a changed file and returns the error.
fn complaint(mut json: Value, change: impl FnOnce(&mut Value)) -> String {
    change(&mut json);
    let path = file(&json.to_string());
    let sentence = File::read(&path).expect_err("a complaint").to_string();
    assert!(sentence.contains(&path.display().to_string()), "{sentence}");
    assert!(!sentence.contains("hush"), "a secret: {sentence}");
    assert!(!sentence.contains('\n') && sentence.len() < 400, "{sentence}");
    sentence
}

#[tokio::test]
async fn every_type_is_read_with_its_project_and_shows_no_secret() {
    for (kind, json) in good().await {
        let read = File::read(&file(&json.to_string())).expect(kind);
        assert_eq!(format!("{:?}", read.credential), kind);
        let project = if kind == "service_account" {
            "own-project"
        } else {
            "billed-project"
        };
        assert_eq!(
            read.project.as_ref().map(|project| project.as_str()),
            Some(project),
            "{kind}"
        );
        let shown = format!("{read:?}");
        assert!(!shown.contains("hush") && !shown.contains("PRIVATE"), "{shown}");
    }
}

#[tokio::test]
async fn a_missing_empty_or_non_text_field_is_named() {
    let needed = [
        vec!["private_key", "client_email", "token_uri"],
        vec!["client_id", "client_secret", "refresh_token"],
        vec!["audience", "subject_token_type", "token_url", "credential_source"],
        vec!["service_account_impersonation_url", "source_credentials"],
    ];
    for ((kind, json), names) in good().await.into_iter().zip(needed) {
        for name in names {
            let gone = complaint(json.clone(), |json| {
                json.as_object_mut().expect("an object").remove(name);
            });
            assert!(gone.contains(&format!("has no '{name}'")), "{kind}: {gone}");
            for bad in [json!(""), json!(["hush"])] {
                let bad = complaint(json.clone(), |json| json[name] = bad);
                assert!(bad.contains(&format!("has an invalid '{name}'")), "{kind}: {bad}");
            }
        }
    }
}

#[tokio::test]
async fn other_types_are_refused_with_the_right_ones_named() {
    for kind in [json!("gdch_service_account"), Value::Null] {
        let (_, json) = good().await.remove(0);
        let sentence = complaint(json, |json| json["type"] = kind);
        assert!(
            sentence.contains("expected service_account, authorized_user,"),
            "{sentence}"
        );
    }
    // Only the types that have their own tokens may impersonate.
    let (_, json) = good().await.remove(3);
    let nested = json.clone();
    let sentence = complaint(json, |json| json["source_credentials"] = nested);
    assert!(sentence.contains("has no known 'type'"), "{sentence}");
}

/// yup-oauth2 panics on the first of these when it sends the request.
#[tokio::test]
async fn an_address_must_be_one_that_keeps_secrets() {
    for (bad, said) in [
        ("not an address", "expected an https address"),
        ("ftp://oauth2.googleapis.com/", "expected an https address"),
        ("https://", "expected an https address"),
        (
            "https://user:hush@oauth2.googleapis.com/",
            "expected an https address",
        ),
        ("http://oauth2.googleapis.com/token", "in the clear"),
        ("http://oauth2/token", "in the clear"),
    ] {
        for (at, field) in [
            (0, "token_uri"),
            (1, "token_uri"),
            (2, "token_url"),
            (3, "service_account_impersonation_url"),
        ] {
            let (_, json) = good().await.remove(at);
            let sentence = complaint(json, |json| json[field] = json!(bad));
            assert!(
                sentence.contains(&format!("has an invalid '{field}'")),
                "{sentence}"
            );
            assert!(sentence.contains(said), "{sentence}");
        }
    }
}

#[tokio::test]
async fn a_private_key_must_be_an_rsa_key() {
    for bad in [
        "hush",
        "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----\n",
    ] {
        let (_, json) = good().await.remove(0);
        let sentence = complaint(json, |json| json["private_key"] = json!(bad));
        assert!(
            sentence.contains("has an invalid 'private_key': expected an RSA key"),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn sources_of_subject_tokens_that_would_not_work_are_refused() {
    for (source, said) in [
        (
            json!({"file": "/run/token", "format": {"type": "json"}}),
            "has no 'subject_token_field_name'",
        ),
        (
            json!({"executable": {"command": "/bin/hush"}}),
            "from a program, which is not supported",
        ),
        (
            json!({"environment_id": "aws1", "url": "http://169.254.169.254/"}),
            "from AWS, which is not supported",
        ),
        (
            json!({"file": "/run/token", "url": "http://127.0.0.1/"}),
            "either a 'file' or a 'url'",
        ),
        (json!({}), "either a 'file' or a 'url'"),
        (
            json!({"url": "http://127.0.0.1/", "format": {"type": "xml"}}),
            "expected the 'type' text or json",
        ),
        (
            json!({"url": "http://127.0.0.1/", "format": {"type": "json"}}),
            "has no 'subject_token_field_name'",
        ),
        (
            json!({"url": "http://127.0.0.1/", "headers": {"a b": "hush"}}),
            "expected HTTP headers",
        ),
        (
            json!({"url": "http://127.0.0.1/", "headers": {"a": "hush\n"}}),
            "expected HTTP headers",
        ),
        (json!({"url": "http://example.com/"}), "in the clear"),
    ] {
        let (_, json) = good().await.remove(2);
        let sentence = complaint(json, |json| json["credential_source"] = source);
        assert!(sentence.contains(said), "{sentence}");
    }
    let (_, json) = good().await.remove(2);
    let sentence = complaint(json, |json| json["workforce_pool_user_project"] = json!("hush"));
    assert!(sentence.contains("workforce pools"), "{sentence}");
}

#[test]
fn a_file_that_is_not_a_credential_file_is_reported() {
    for (content, said) in [
        ("hush", "is not JSON (line 1, column 1)"),
        ("{\"private_key\": \"hush", "is not JSON (line 1"),
        ("[\"hush\"]", "is not a JSON object"),
        (&" ".repeat(65 * 1024), "more than 64 KiB"),
    ] {
        let sentence = File::read(&file(content)).expect_err(said).to_string();
        assert!(
            sentence.contains(said) && !sentence.contains("hush"),
            "{sentence}"
        );
    }
    let missing = std::path::Path::new("/nowhere/key.json");
    let sentence = File::read(missing).expect_err("missing").to_string();
    assert!(
        sentence.contains("'/nowhere/key.json' does not exist"),
        "{sentence}"
    );
    let directory = std::path::Path::new("/");
    let sentence = File::read(directory).expect_err("a directory").to_string();
    assert!(sentence.contains("is not a regular file"), "{sentence}");
}
