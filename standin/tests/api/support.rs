//! A stand-in on a real socket, a client, and a key that is created once.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bigquery_standin::iam::ServiceAccountKey;
use bigquery_standin::sql::Database;
use bigquery_standin::{Options, Standin, data};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

pub(crate) const EMAIL: &str = "reader@my-project.iam.gserviceaccount.com";
pub(crate) const PROJECT: &str = "my-project";
pub(crate) const DATASET: &str = "bigquery-public-data.samples";
pub(crate) const SCOPE: &str = "https://www.googleapis.com/auth/bigquery";
pub(crate) const CLOUD: &str = "https://www.googleapis.com/auth/cloud-platform";
pub(crate) const TABLE: &str = "`bigquery-public-data.samples.shakespeare`";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(crate) fn key() -> &'static ServiceAccountKey {
    static KEY: OnceLock<ServiceAccountKey> = OnceLock::new();
    KEY.get_or_init(|| ServiceAccountKey::generate(EMAIL, PROJECT).unwrap())
}

pub(crate) fn other_key() -> &'static ServiceAccountKey {
    static KEY: OnceLock<ServiceAccountKey> = OnceLock::new();
    KEY.get_or_init(|| {
        ServiceAccountKey::generate("other@my-project.iam.gserviceaccount.com", PROJECT).unwrap()
    })
}

pub(crate) fn database() -> Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    Arc::clone(DATABASE.get_or_init(|| Arc::new(data::shipped().unwrap())))
}

/// A stand-in that knows the key's account, which has no permissions yet.
pub(crate) async fn closed(options: Options) -> Standin {
    let standin = Standin::start(options).await.unwrap();
    standin.register(key());
    standin
}

/// A stand-in whose account may run jobs and read, with its access token.
pub(crate) async fn open() -> (Standin, Client) {
    let standin = closed(Options::new(database())).await;
    standin.allow(&key().member(), PROJECT, DATASET);
    let client = Client::of(&standin).await;
    (standin, client)
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn claims(audience: &str) -> Value {
    json!({"iss": EMAIL, "aud": audience, "scope": SCOPE, "iat": now(), "exp": now() + 3600})
}

pub(crate) fn signed(key: &ServiceAccountKey, claims: &Value) -> String {
    key.sign_jwt(claims).unwrap()
}

pub(crate) fn sign_with(
    key: &ServiceAccountKey,
    header: &Value,
    claims: &Value,
    encode: impl Fn(&[u8]) -> String,
) -> String {
    let head = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let signature = key.sign(head.as_bytes()).unwrap();
    format!("{head}.{}", encode(&signature))
}

pub(crate) async fn post_form(url: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
    let mut encoded = reqwest::Url::parse("http://x").unwrap();
    encoded.query_pairs_mut().extend_pairs(fields);
    let request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded.query().unwrap().to_owned());
    read(request.send().await.unwrap()).await
}

pub(crate) async fn assert_grant(standin: &Standin, assertion: &str) -> (StatusCode, Value) {
    post_form(
        &standin.token_uri(),
        &[("grant_type", JWT_BEARER), ("assertion", assertion)],
    )
    .await
}

pub(crate) async fn token_for(standin: &Standin, key: &ServiceAccountKey, scope: &str) -> String {
    let mut claims = claims(&standin.token_uri());
    claims["iss"] = key.email().into();
    claims["scope"] = scope.into();
    let (status, body) = assert_grant(standin, &signed(key, &claims)).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")),
    )
}

/// A client of the REST API with one access token.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn of(standin: &Standin) -> Self {
        Self::with(standin, token_for(standin, key(), SCOPE).await)
    }

    pub(crate) fn with(standin: &Standin, token: String) -> Self {
        let base = format!("{}/bigquery/v2/projects", standin.url());
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base,
            token,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.send_get(path).await.unwrap()).await
    }

    pub(crate) async fn send_get(&self, path: &str) -> reqwest::Result<Response> {
        self.http
            .get(format!("{}/{path}", self.base))
            .bearer_auth(&self.token)
            .send()
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.send_post(path, body).await.unwrap()).await
    }

    pub(crate) async fn send_post(&self, path: &str, body: Value) -> reqwest::Result<Response> {
        self.http
            .post(format!("{}/{path}", self.base))
            .bearer_auth(&self.token)
            .json(&body)
            .send()
            .await
    }

    pub(crate) async fn query(&self, body: Value) -> (StatusCode, Value) {
        self.post(&format!("{PROJECT}/queries"), body).await
    }
}

pub(crate) fn sql(text: &str) -> Value {
    json!({"query": text, "useLegacySql": false})
}

/// A query with three rows, whatever the data.
pub(crate) fn three_rows() -> Value {
    sql(&format!(
        "SELECT word, word_count FROM {TABLE} ORDER BY word_count DESC LIMIT 3"
    ))
}

pub(crate) fn reason(body: &Value) -> &str {
    body["error"]["errors"][0]["reason"].as_str().unwrap_or_default()
}
