//! With every type of credential, found in every place, the real service gets its answer from the stand-in.

use bigquery_standin::Options;
use bigquery_standin::iam::{Metadata, ServiceAccount, WorkloadIdentityProvider};
use serde_json::{Value, json};

use crate::google::*;
use crate::instance::*;

const POOL: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci";
const ISSUER: &str = "https://ci.example.com";
/// An account without a key, to be impersonated.
const TARGET: &str = "target@my-project.iam.gserviceaccount.com";
const REFRESH_TOKEN: &str = "1//hush-refresh";

/// A stand-in without any permissions.
async fn closed() -> Google {
    let google = Google::closed(Options::new(database())).await;
    google.standin.register(key());
    google
}

fn allow(google: &Google, member: &str) {
    google.standin.allow(member, PROJECT, DATASET);
}

/// Lets the member impersonate the target, and only the target query BigQuery.
fn allow_to_impersonate(google: &Google, member: &str) {
    google.standin.change_policy(|policy| {
        policy.service_accounts.push(ServiceAccount {
            email: TARGET.into(),
            project: PROJECT.into(),
            public_keys: Vec::new(),
            token_creators: vec![member.into()],
        });
    });
    allow(google, &format!("serviceAccount:{TARGET}"));
}

fn impersonation_url(google: &Google) -> String {
    let url = google.standin.url();
    format!("{url}/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken")
}

/// A person who has let a client act for them, and the corresponding file.
fn authorized_user(google: &Google) -> Value {
    google.standin.change_policy(|policy| {
        policy.add_user("a.user@example.com", ("the-client", "hush-client"), REFRESH_TOKEN);
    });
    json!({
        "type": "authorized_user",
        "client_id": "the-client",
        "client_secret": "hush-client",
        "refresh_token": REFRESH_TOKEN,
        "quota_project_id": PROJECT,
        "token_uri": google.standin.token_uri(),
    })
}

/// A provider whose tokens the stand-in exchanges, one such token, and the file without its source.
fn workload(google: &Google) -> (String, Value) {
    let audience = format!("{POOL}/providers/p");
    google.standin.change_policy(|policy| {
        policy.workload_identity_providers.push(WorkloadIdentityProvider {
            audience: audience.clone(),
            issuer: ISSUER.into(),
            public_keys: key().account().public_keys,
            allowed_audiences: Vec::new(),
        });
    });
    let subject_token = key()
        .sign_jwt(&json!({
            "iss": ISSUER, "aud": format!("https:{audience}"), "sub": "build", "iat": now(), "exp": now() + 600,
        }))
        .unwrap();
    let file = json!({
        "type": "external_account",
        "audience": audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/v1/token", google.standin.url()),
        "quota_project_id": PROJECT,
    });
    (subject_token, file)
}

/// Serves the text on a free loopback port, as a provider's own metadata server does.
async fn provider(text: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            );
            let mut head = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut head).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
        }
    });
    format!("http://{address}/token")
}

/// The file yields an answer. Without access at the stand-in there is none.
async fn answers(google: &Google, file: &Value) {
    let file = google.file("bigquery.json", &file.to_string());
    serves(&Serve::without_credentials(google).flag("--credentials", file)).await;
}

async fn serves(serve: &Serve) {
    let instance = serve.start().await;
    let reply = instance.get_as("/", "application/json").await;
    assert_eq!(reply.status(), 200, "{:#?}", instance.log());
    let answer: Value = serde_json::from_slice(reply.body()).unwrap();
    assert_eq!(answer["word"], "the");
    assert!(answer["counts"].as_array().unwrap().len() > 30, "{answer}");
}

/// The same as `answers`, for a file that must not yield an answer.
async fn is_refused(google: &Google, file: &Value, reason: &str) {
    let file = google.file("bigquery.json", &file.to_string());
    let instance = Serve::without_credentials(google)
        .flag("--credentials", file)
        .start()
        .await;
    let reply = instance.get("/").await;
    assert_eq!(reply.status(), 503, "{}", reply.head());
    instance
        .logged("refresh failed", |line| line["reason"] == reason)
        .await;
}

#[tokio::test]
async fn a_service_account() {
    let google = closed().await;
    let file: Value = serde_json::from_str(&key().to_json(&google.standin.token_uri())).unwrap();
    is_refused(&google, &file, "denied").await;
    allow(&google, &key().member());
    answers(&google, &file).await;
}

#[tokio::test]
async fn an_authorized_user() {
    let google = closed().await;
    let mut file = authorized_user(&google);
    is_refused(&google, &file, "denied").await;
    allow(&google, "user:a.user@example.com");
    answers(&google, &file).await;
    file["refresh_token"] = json!("1//another");
    is_refused(&google, &file, "credential").await;
}

#[tokio::test]
async fn a_workload_with_its_token_in_a_file() {
    let google = closed().await;
    let (subject_token, mut file) = workload(&google);
    file["credential_source"] = json!({"file": google.file("subject", &subject_token)});
    is_refused(&google, &file, "denied").await;
    allow(&google, &format!("principal:{POOL}/subject/build"));
    answers(&google, &file).await;
    google.file("subject", "no token");
    is_refused(&google, &file, "credential").await;
}

#[tokio::test]
async fn a_workload_with_its_token_at_an_address() {
    let google = closed().await;
    let (subject_token, mut file) = workload(&google);
    allow(&google, &format!("principal:{POOL}/subject/build"));
    file["credential_source"] = json!({"url": provider(subject_token.clone()).await});
    answers(&google, &file).await;
    let wrapped = json!({"value": subject_token}).to_string();
    file["credential_source"] = json!({
        "url": provider(wrapped).await,
        "headers": {"X-Asked-By": "wordtally"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    });
    answers(&google, &file).await;
}

#[tokio::test]
async fn a_workload_that_acts_as_a_service_account() {
    let google = closed().await;
    let (subject_token, mut file) = workload(&google);
    file["credential_source"] = json!({"file": google.file("subject", &subject_token)});
    file["service_account_impersonation_url"] = json!(impersonation_url(&google));
    is_refused(&google, &file, "credential").await;
    allow_to_impersonate(&google, &format!("principal:{POOL}/subject/build"));
    answers(&google, &file).await;
    file["credential_source"] = json!({"url": provider(subject_token).await});
    answers(&google, &file).await;
}

fn impersonated(google: &Google, source: &Value) -> Value {
    json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": impersonation_url(google),
        "source_credentials": source,
        "quota_project_id": PROJECT,
    })
}

#[tokio::test]
async fn a_service_account_that_acts_as_another() {
    let google = closed().await;
    let source: Value = serde_json::from_str(&key().to_json(&google.standin.token_uri())).unwrap();
    let file = impersonated(&google, &source);
    is_refused(&google, &file, "credential").await;
    allow_to_impersonate(&google, &key().member());
    answers(&google, &file).await;
}

#[tokio::test]
async fn a_person_who_acts_as_a_service_account() {
    let google = closed().await;
    let file = impersonated(&google, &authorized_user(&google));
    is_refused(&google, &file, "credential").await;
    allow_to_impersonate(&google, "user:a.user@example.com");
    answers(&google, &file).await;
}

/// The host and port of the stand-in's metadata server.
fn metadata_host(google: &Google) -> String {
    google.standin.url().trim_start_matches("http://").to_owned()
}

#[tokio::test]
async fn the_metadata_server() {
    let google = closed().await;
    google.standin.change_policy(|policy| {
        policy.metadata = Some(Metadata {
            email: ACCOUNT.into(),
            project: PROJECT.into(),
        });
    });
    allow(&google, &key().member());
    // Neither a file nor a project is given: the server provides both.
    let serve = Serve::without_credentials(&google).environment("GCE_METADATA_HOST", metadata_host(&google));
    serves(&serve).await;
    assert_eq!(google.job_list(PROJECT).await.len(), 1);
}

/// Each place in turn has the only valid key; the places before it are empty, and those after it have invalid ones.
#[tokio::test]
async fn the_places_are_searched_in_their_order() {
    let google = Google::start().await;
    let good = key().to_json(&google.standin.token_uri());
    let home = google.directory.path().to_owned();
    let place = |path: &str, content: &str| {
        let path = home.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    };
    let everywhere = |serve: Serve| {
        serve
            .environment("CREDENTIALS_DIRECTORY", home.join("credentials"))
            .environment("GOOGLE_APPLICATION_CREDENTIALS", home.join("named.json"))
            .environment("HOME", home.join("home"))
            .environment("GCE_METADATA_HOST", "127.0.0.1:1")
    };
    let plain = everywhere(Serve::without_credentials(&google));
    let gcloud = "home/.config/gcloud/application_default_credentials.json";

    let flag = place("flag.json", &good);
    for path in ["credentials/bigquery.json", "named.json", gcloud] {
        place(path, "bad");
    }
    serves(&plain.clone().flag("--credentials", &flag)).await;
    serves(&plain.clone().environment("CREDENTIALS", &flag)).await;

    let (code, sentence) = plain.refused().await;
    assert_eq!(code, Some(2), "{sentence}");
    assert!(
        sentence.contains("credentials/bigquery.json' is not JSON"),
        "{sentence}"
    );
    let from_systemd = place("credentials/bigquery.json", &good);
    serves(&plain).await;

    std::fs::remove_file(from_systemd).unwrap();
    let (_, sentence) = plain.refused().await;
    assert!(sentence.contains("named.json' is not JSON"), "{sentence}");
    place("named.json", &good);
    serves(&plain).await;

    let unnamed = plain.environment("GOOGLE_APPLICATION_CREDENTIALS", "");
    let (_, sentence) = unnamed.refused().await;
    assert!(
        sentence.contains("default_credentials.json' is not JSON"),
        "{sentence}"
    );
    place(gcloud, &good);
    serves(&unnamed).await;
    std::fs::remove_file(home.join(gcloud)).unwrap();

    google.standin.change_policy(|policy| {
        policy.metadata = Some(Metadata {
            email: ACCOUNT.into(),
            project: PROJECT.into(),
        });
    });
    serves(&unnamed.environment("GCE_METADATA_HOST", metadata_host(&google))).await;
}
