//! The credentials that are not key files: metadata server, workload identity federation, impersonation.

use bigquery_standin::iam::{Metadata, ServiceAccount, WorkloadIdentityProvider};
use bigquery_standin::{Options, Standin};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::*;

const POOL: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci";
const TARGET: &str = "target@my-project.iam.gserviceaccount.com";
const IAM: &str = "https://www.googleapis.com/auth/iam";

#[tokio::test]
async fn the_metadata_server_serves_its_machine_only() {
    let standin = closed(Options::new(database())).await;
    let get = async |path: &str, flavor: bool| {
        let request = reqwest::Client::new().get(format!("{}{path}", standin.url()));
        let request = if flavor {
            request.header("Metadata-Flavor", "Google")
        } else {
            request
        };
        request.send().await.unwrap()
    };
    let token = "/computeMetadata/v1/instance/service-accounts/default/token";
    assert_eq!(
        get(token, true).await.status(),
        404,
        "there is none unless the IAM file says so"
    );
    standin.change_policy(|policy| {
        policy.metadata = Some(Metadata {
            email: EMAIL.into(),
            project: PROJECT.into(),
        });
    });
    standin.allow(&key().member(), PROJECT, DATASET);
    assert_eq!(get(token, false).await.status(), 403);
    let response = get(token, true).await;
    assert_eq!(response.headers()["metadata-flavor"], "Google");
    let (_, body) = read(response).await;
    let client = Client::with(&standin, body["access_token"].as_str().unwrap().into());
    assert_eq!(client.query(three_rows()).await.0, 200);
    assert_eq!(
        get("/computeMetadata/v1/project/project-id", true)
            .await
            .text()
            .await
            .unwrap(),
        PROJECT
    );
    let (_, account) = read(
        get(
            "/computeMetadata/v1/instance/service-accounts/default/?recursive=true",
            true,
        )
        .await,
    )
    .await;
    assert_eq!(account["email"], EMAIL);
    assert_eq!(get("/", true).await.status(), 200);
}

async fn exchange(standin: &Standin, subject_token: &str, audience: &str) -> (StatusCode, Value) {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", audience),
        ("scope", CLOUD),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", subject_token),
    ];
    post_form(&format!("{}/v1/token", standin.url()), &fields).await
}

#[tokio::test]
async fn a_providers_token_is_exchanged_if_it_is_good() {
    let standin = closed(Options::new(database())).await;
    let audience = format!("{POOL}/providers/p");
    standin.change_policy(|policy| {
        policy.workload_identity_providers.push(WorkloadIdentityProvider {
            audience: audience.clone(),
            issuer: "https://ci.example.com".into(),
            public_keys: other_key().account().public_keys,
            allowed_audiences: Vec::new(),
        });
    });
    standin.allow(&format!("principalSet:{POOL}/*"), PROJECT, DATASET);
    let good = json!({
        "iss": "https://ci.example.com", "aud": format!("https:{audience}"), "sub": "build",
        "iat": now(), "exp": now() + 600,
    });
    let (status, body) = exchange(&standin, &signed(other_key(), &good), &audience).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        body["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    let client = Client::with(&standin, body["access_token"].as_str().unwrap().into());
    assert_eq!(client.query(three_rows()).await.0, 200);
    for (name, value) in [
        ("iss", json!("https://evil.example.com")),
        ("aud", json!("https://example.com")),
        ("exp", json!(now() - 120)),
        ("sub", json!("")),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        let (status, body) = exchange(&standin, &signed(other_key(), &claims), &audience).await;
        assert_eq!(
            (status.as_u16(), &body["error"]),
            (400, &json!("invalid_grant")),
            "{name}"
        );
    }
    let (_, body) = exchange(&standin, &signed(key(), &good), &audience).await;
    assert_eq!(body["error"], "invalid_grant");
    let (_, body) = exchange(
        &standin,
        &signed(other_key(), &good),
        &format!("{POOL}/providers/q"),
    )
    .await;
    assert_eq!(body["error"], "invalid_target");
}

#[tokio::test]
async fn a_permitted_impersonator_gets_the_accounts_token() {
    let standin = closed(Options::new(database())).await;
    standin.change_policy(|policy| {
        policy.service_accounts.push(ServiceAccount {
            email: TARGET.into(),
            project: PROJECT.into(),
            public_keys: Vec::new(),
            token_creators: Vec::new(),
        });
    });
    standin.allow(&format!("serviceAccount:{TARGET}"), PROJECT, DATASET);
    let url = format!(
        "{}/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken",
        standin.url()
    );
    let ask_through = async |scope: &str, lifetime: &str, delegates: Value| {
        let token = token_for(&standin, key(), scope).await;
        let body = json!({"scope": [SCOPE], "lifetime": lifetime, "delegates": delegates});
        read(
            reqwest::Client::new()
                .post(&url)
                .bearer_auth(token)
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
    };
    // Python's client sends null if there are none.
    let ask = async |scope: &str, lifetime: &str| ask_through(scope, lifetime, Value::Null).await;
    let (status, body) = ask(CLOUD, "3600s").await;
    assert_eq!(
        (status.as_u16(), &body["error"]["status"]),
        (403, &json!("PERMISSION_DENIED"))
    );
    standin.change_policy(|policy| {
        policy
            .account_mut(TARGET)
            .unwrap()
            .token_creators
            .push(key().member());
    });
    let (status, body) = ask(CLOUD, "3600s").await;
    assert_eq!(status, 200, "{body}");
    assert!(body["expireTime"].as_str().unwrap().ends_with('Z'));
    let client = Client::with(&standin, body["accessToken"].as_str().unwrap().into());
    assert_eq!(client.query(three_rows()).await.0, 200);
    assert_eq!(ask(CLOUD, "7200s").await.0, 400);
    assert_eq!(ask_through(CLOUD, "3600s", json!([])).await.0, 200);
    assert_eq!(ask_through(CLOUD, "3600s", json!([key().member()])).await.0, 400);
    assert_eq!(
        ask(SCOPE, "3600s").await.0,
        403,
        "BigQuery's scope does not reach the IAM API"
    );
    // Google's clients request only this scope to impersonate.
    assert_eq!(ask(IAM, "3600s").await.0, 200);
    let bare = Client::with(&standin, token_for(&standin, key(), IAM).await);
    let (status, body) = bare.query(three_rows()).await;
    assert_eq!((status.as_u16(), reason(&body)), (403, "insufficientPermissions"));
}
