//! A caller without a valid assertion gets no token, and a caller without a valid token gets no answer.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use bigquery_standin::{Options, Standin};
use serde_json::{Value, json};

use crate::support::*;

async fn refused(standin: &Standin, assertion: &str) -> String {
    let (status, body) = assert_grant(standin, assertion).await;
    assert_eq!(
        (status.as_u16(), body["error"].as_str()),
        (400, Some("invalid_grant")),
        "{body}"
    );
    body["error_description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_good_assertion_gets_a_token_that_works() {
    let (standin, client) = open().await;
    assert_eq!(client.query(three_rows()).await.0, 200);
    for audience in [standin.token_uri(), "https://oauth2.googleapis.com/token".into()] {
        let (status, body) = assert_grant(&standin, &signed(key(), &claims(&audience))).await;
        assert_eq!(status, 200);
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 3600);
    }
}

#[tokio::test]
async fn each_fault_of_an_assertion_is_refused() {
    let standin = closed(Options::new(database())).await;
    let good = claims(&standin.token_uri());
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signed(key(), &claims)
    };
    // It has expired, and is valid otherwise.
    let mut expired = good.clone();
    expired["iat"] = json!(now() - 1200);
    expired["exp"] = json!(now() - 120);
    let cases = [
        (
            with("aud", json!("https://example.com/token")),
            "Failed audience check",
        ),
        (with("iss", json!("nobody@example.com")), "account not found"),
        (with("exp", json!(now() - 120)), "short-lived"),
        (signed(key(), &expired), "short-lived"),
        (with("iat", json!(now() + 600)), "short-lived"),
        (with("exp", json!(now() + 7200)), "short-lived"),
        (with("exp", Value::Null), "short-lived"),
        (
            with("scope", json!("https://www.googleapis.com/auth/drive")),
            "scope",
        ),
        (with("scope", json!("")), "scope"),
        (signed(other_key(), &good), "Signature"),
        (format!("{}x", signed(key(), &good)), "JSON web token"),
        ("nonsense".into(), "JSON web token"),
        ("..".into(), "JSON web token"),
        (with("exp", json!("soon")), "JSON web token"),
        (with("exp", json!(1e300)), "short-lived"),
        (with("iat", json!(-1)), "short-lived"),
        (with("aud", json!([])), "Failed audience check"),
        (with("scope", json!([SCOPE])), "JSON web token"),
    ];
    for (assertion, said) in cases {
        let description = refused(&standin, &assertion).await;
        assert!(description.contains(said), "{description} lacks {said}");
    }
}

#[tokio::test]
async fn no_other_algorithm_is_taken() {
    let standin = closed(Options::new(database())).await;
    let headers = [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS512"}),
        json!({"alg": "rs256"}),
        json!({"typ": "JWT"}),
        json!({"alg": ["RS256"]}),
        json!({"alg": "RS256", "crit": ["exp"]}),
    ];
    for header in headers {
        let token = sign_with(key(), &header, &claims(&standin.token_uri()), |bytes| {
            URL_SAFE_NO_PAD.encode(bytes)
        });
        refused(&standin, &token).await;
    }
}

#[tokio::test]
async fn changed_claims_break_the_signature() {
    let standin = closed(Options::new(database())).await;
    let token = signed(key(), &claims(&standin.token_uri()));
    let mut parts: Vec<&str> = token.split('.').collect();
    let mut changed = claims(&standin.token_uri());
    changed["scope"] = CLOUD.into();
    let changed = URL_SAFE_NO_PAD.encode(changed.to_string());
    parts[1] = &changed;
    assert!(refused(&standin, &parts.join(".")).await.contains("Signature"));
}

#[tokio::test]
async fn padded_segments_are_taken() {
    let standin = closed(Options::new(database())).await;
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let token = sign_with(key(), &header, &claims(&standin.token_uri()), |bytes| {
        URL_SAFE.encode(bytes)
    });
    assert!(token.contains('='));
    assert_eq!(assert_grant(&standin, &token).await.0, 200);
}

#[tokio::test]
async fn acting_for_another_is_refused() {
    let standin = closed(Options::new(database())).await;
    let mut claims = claims(&standin.token_uri());
    claims["sub"] = "boss@example.com".into();
    let (status, body) = assert_grant(&standin, &signed(key(), &claims)).await;
    assert_eq!(
        (status.as_u16(), &body["error"]),
        (400, &json!("unauthorized_client"))
    );
}

#[tokio::test]
async fn no_token_and_a_bad_token_are_401() {
    let (standin, mut client) = open().await;
    let bare = client
        .http
        .post(format!("{}/{PROJECT}/queries", client.base))
        .json(&three_rows());
    let bare = bare.send().await.unwrap();
    assert!(
        bare.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
    let (status, body) = read(bare).await;
    assert_eq!((status.as_u16(), reason(&body)), (401, "required"));
    assert_eq!(body["error"]["status"], "UNAUTHENTICATED");
    client.token.push('x');
    let bad = client.send_get(&format!("{PROJECT}/jobs")).await.unwrap();
    assert!(
        bad.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .contains("invalid_token")
    );
    let (status, body) = read(bad).await;
    assert_eq!((status.as_u16(), reason(&body)), (401, "authError"));
    drop(standin);
}

#[tokio::test]
async fn a_revoked_token_is_401_and_a_new_one_is_good() {
    let (standin, client) = open().await;
    let (status, _) = post_form(&format!("{}/revoke", standin.url()), &[("token", &client.token)]).await;
    assert_eq!(status, 200);
    assert_eq!(client.query(three_rows()).await.0, 401);
    let client = Client::of(&standin).await;
    assert_eq!(client.query(three_rows()).await.0, 200);
    standin.revoke_all().unwrap();
    assert_eq!(client.query(three_rows()).await.0, 401);
    assert_eq!(Client::of(&standin).await.query(three_rows()).await.0, 200);
    let (status, body) = post_form(&format!("{}/revoke", standin.url()), &[("token", "nonsense")]).await;
    assert_eq!((status.as_u16(), &body["error"]), (400, &json!("invalid_token")));
}

#[tokio::test]
async fn an_expired_token_is_401() {
    let options = Options {
        token_lifetime: Duration::from_secs(1),
        ..Options::new(database())
    };
    let standin = closed(options).await;
    standin.allow(&key().member(), PROJECT, DATASET);
    let client = Client::of(&standin).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(client.query(three_rows()).await.0, 401);
}

#[tokio::test]
async fn tokens_and_revocations_outlive_a_restart() {
    let state = std::env::temp_dir().join(format!("standin-state-{}", std::process::id()));
    let start = || async {
        let standin = closed(Options {
            state: Some(state.clone()),
            ..Options::new(database())
        })
        .await;
        standin.allow(&key().member(), PROJECT, DATASET);
        standin
    };
    let first = start().await;
    let (kept, revoked) = (
        token_for(&first, key(), SCOPE).await,
        token_for(&first, key(), SCOPE).await,
    );
    assert!(first.revoke(&revoked).unwrap());
    first.shutdown().await;
    let second = start().await;
    assert_eq!(
        Client::with(&second, kept.clone()).query(three_rows()).await.0,
        200
    );
    assert_eq!(Client::with(&second, revoked).query(three_rows()).await.0, 401);
    let stranger = closed(Options::new(database())).await;
    assert_eq!(Client::with(&stranger, kept).query(three_rows()).await.0, 401);
    std::fs::remove_dir_all(state).unwrap();
}

#[tokio::test]
async fn a_rotated_key_makes_no_more_tokens() {
    let (standin, client) = open().await;
    let fresh = standin.rotate_key(EMAIL, PROJECT).unwrap();
    assert!(
        refused(&standin, &signed(key(), &claims(&standin.token_uri())))
            .await
            .contains("Signature")
    );
    assert_eq!(
        client.query(three_rows()).await.0,
        200,
        "tokens given before stay good"
    );
    token_for(&standin, &fresh, SCOPE).await;
    standin.change_policy(|policy| policy.service_accounts.clear());
    assert_eq!(
        client.query(three_rows()).await.0,
        401,
        "a deleted account's tokens are void"
    );
}

#[tokio::test]
async fn a_refresh_token_gets_tokens_until_it_is_revoked() {
    let standin = closed(Options::new(database())).await;
    standin.change_policy(|policy| {
        policy.add_user("ann@example.com", ("client", "secret"), "1//refresh");
    });
    standin.allow("user:ann@example.com", PROJECT, DATASET);
    let grant = |secret: &'static str, token: &'static str| {
        let url = standin.token_uri();
        async move {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", "client"),
                ("client_secret", secret),
                ("refresh_token", token),
            ];
            post_form(&url, &fields).await
        }
    };
    let (status, body) = grant("secret", "1//refresh").await;
    assert_eq!(status, 200);
    let client = Client::with(&standin, body["access_token"].as_str().unwrap().into());
    assert_eq!(client.query(three_rows()).await.0, 200);
    assert_eq!(grant("wrong", "1//refresh").await.1["error"], "invalid_client");
    assert_eq!(grant("secret", "1//other").await.1["error"], "invalid_grant");
    assert!(standin.revoke("1//refresh").unwrap());
    assert_eq!(grant("secret", "1//refresh").await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_claim_given_twice_is_refused() {
    let standin = closed(Options::new(database())).await;
    let twice = claims(&standin.token_uri())
        .to_string()
        .replacen('{', "{\"iss\":\"nobody@example.com\",", 1);
    let head = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(twice)
    );
    let signature = URL_SAFE_NO_PAD.encode(key().sign(head.as_bytes()).unwrap());
    let said = refused(&standin, &format!("{head}.{signature}")).await;
    assert!(said.contains("JSON web token"), "{said}");
}

#[tokio::test]
async fn a_token_counts_only_in_a_single_authorization_header() {
    let (_standin, client) = open().await;
    let url = format!("{}/{PROJECT}/jobs", client.base);
    let bearer = |scheme: &str| format!("{scheme} {}", client.token);
    let get = |url: &str| client.http.get(url);
    let cases = [
        (get(&url).header("authorization", bearer("bearer")), 200),
        (get(&url).header("authorization", bearer("BEARER")), 200),
        (get(&url).header("authorization", bearer("Basic")), 401),
        (get(&url).header("authorization", client.token.clone()), 401),
        (
            get(&url).bearer_auth(&client.token).bearer_auth(&client.token),
            401,
        ),
        (get(&format!("{url}?access_token={}", client.token)), 401),
        (
            get(&url).header("x-goog-iam-authorization-token", bearer("Bearer")),
            401,
        ),
    ];
    for (request, status) in cases {
        let shown = format!("{request:?}");
        assert_eq!(request.send().await.unwrap().status(), status, "{shown}");
    }
}

#[tokio::test]
async fn a_form_with_a_repeated_field_or_of_another_type_is_refused() {
    let standin = closed(Options::new(database())).await;
    let good = signed(key(), &claims(&standin.token_uri()));
    let fields = [
        ("grant_type", JWT_BEARER),
        ("assertion", &good),
        ("assertion", &good),
    ];
    let (status, body) = post_form(&standin.token_uri(), &fields).await;
    assert_eq!(
        (status.as_u16(), &body["error_description"]),
        (400, &json!("Duplicate parameter: assertion"))
    );
    let http = reqwest::Client::new();
    let response = http
        .post(standin.token_uri())
        .json(&json!({"grant_type": JWT_BEARER}));
    let (status, body) = read(response.send().await.unwrap()).await;
    assert_eq!(
        (status.as_u16(), &body["error"]),
        (400, &json!("invalid_request"))
    );
    let (_, body) = post_form(&standin.token_uri(), &[("grant_type", JWT_BEARER)]).await;
    assert_eq!(body["error"], "invalid_request");
}

#[tokio::test]
async fn a_state_that_others_could_change_or_that_is_cut_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let state = std::env::temp_dir().join(format!("standin-exposed-{}", std::process::id()));
    let start = || {
        Standin::start(Options {
            state: Some(state.clone()),
            ..Options::new(database())
        })
    };
    let first = start().await.unwrap();
    first.revoke_all().unwrap();
    first.shutdown().await;
    for name in ["secret", "revoked.json"] {
        let file = state.join(name);
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        mode(0o640);
        let error = start().await.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("0600"), "{error}");
        mode(0o600);
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..5]).unwrap();
        let error = start().await.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("damaged"), "{error}");
        std::fs::write(&file, whole).unwrap();
    }
    start().await.unwrap();
    std::fs::remove_dir_all(state).unwrap();
}
