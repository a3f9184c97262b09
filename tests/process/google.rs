//! The stand-in as the service's BigQuery, with an account that may read.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bigquery_standin::faults::{Fault, Kind, Target};
use bigquery_standin::iam::ServiceAccountKey;
use bigquery_standin::sql::Database;
use bigquery_standin::{Options, Standin, data};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PROJECT: &str = "my-project";
pub(crate) const DATASET: &str = "bigquery-public-data.samples";
pub(crate) const ACCOUNT: &str = "wordtally@my-project.iam.gserviceaccount.com";

/// The table that ships with the stand-in, loaded once.
pub(crate) fn database() -> Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    Arc::clone(DATABASE.get_or_init(|| Arc::new(data::shipped().unwrap())))
}

/// The account's key, created once.
pub(crate) fn key() -> &'static ServiceAccountKey {
    static KEY: OnceLock<ServiceAccountKey> = OnceLock::new();
    KEY.get_or_init(|| ServiceAccountKey::generate(ACCOUNT, PROJECT).unwrap())
}

/// A stand-in on a real socket, and a directory for the files of its clients.
pub(crate) struct Google {
    pub(crate) standin: Standin,
    pub(crate) directory: TempDir,
}

impl Google {
    /// A stand-in whose account may run jobs and read the table.
    pub(crate) async fn start() -> Self {
        Self::with(Options::new(database())).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let google = Self::closed(options).await;
        google.standin.register(key());
        google.standin.allow(&key().member(), PROJECT, DATASET);
        google
    }

    /// A stand-in without accounts.
    pub(crate) async fn closed(options: Options) -> Self {
        Self {
            standin: Standin::start(options).await.unwrap(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Replaces a file as a whole, so that a reader sees the old one or the new one.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, content).unwrap();
        std::fs::rename(&fresh, &path).unwrap();
        path
    }

    /// The account's key file.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.file("bigquery.json", &key().to_json(&self.standin.token_uri()))
    }

    /// From now on every request of this kind has this fault.
    pub(crate) fn always(&self, target: Target, kind: Kind) {
        self.standin.add_fault(Fault::always(target, kind));
    }

    pub(crate) fn times(&self, times: u32, target: Target, kind: Kind) {
        self.standin.add_fault(Fault::times(times, target, kind));
    }

    pub(crate) fn jobs(&self) -> u64 {
        self.standin.counters().jobs_created
    }

    /// The account's jobs as the stand-in lists them.
    pub(crate) async fn job_list(&self, project: &str) -> Vec<Value> {
        let assertion = key()
            .sign_jwt(&json!({
                "iss": ACCOUNT,
                "aud": self.standin.token_uri(),
                "scope": "https://www.googleapis.com/auth/bigquery",
                "iat": now(),
                "exp": now() + 600,
            }))
            .unwrap();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &assertion)
            .finish();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let granted: Value = http
            .post(self.standin.token_uri())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let address = format!(
            "{}/bigquery/v2/projects/{project}/jobs?projection=full",
            self.standin.url()
        );
        let listed: Value = http
            .get(address)
            .bearer_auth(granted["access_token"].as_str().unwrap())
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        listed["jobs"].as_array().expect("a list of jobs").clone()
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
