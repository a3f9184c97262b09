//! A caller without a permission is refused with the messages and forms of Google's API.

use bigquery_standin::Options;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn without_jobs_create_both_posts_are_403() {
    let standin = closed(Options::new(database())).await;
    standin.change_policy(|policy| policy.allow_reading(DATASET, &key().member()));
    let client = Client::of(&standin).await;
    let insert = json!({"configuration": {"query": three_rows()}});
    for (path, body) in [("queries", three_rows()), ("jobs", insert)] {
        let (status, body) = client.post(&format!("{PROJECT}/{path}"), body).await;
        assert_eq!((status.as_u16(), reason(&body)), (403, "accessDenied"));
        assert_eq!(body["error"]["code"], 403);
        assert_eq!(body["error"]["status"], "PERMISSION_DENIED");
        assert_eq!(body["error"]["errors"][0]["domain"], "global");
        assert_eq!(
            body["error"]["message"],
            "Access Denied: Project my-project: User does not have bigquery.jobs.create permission in project my-project."
        );
    }
    assert_eq!(standin.counters().jobs_created, 0);
}

#[tokio::test]
async fn without_read_access_query_fails_at_once_and_insert_later() {
    let standin = closed(Options::new(database())).await;
    standin.change_policy(|policy| policy.allow_jobs(PROJECT, &key().member()));
    let client = Client::of(&standin).await;
    let (status, body) = client.query(three_rows()).await;
    assert_eq!((status.as_u16(), reason(&body)), (403, "accessDenied"));
    let insert = json!({"configuration": {"query": three_rows()}, "jobReference": {"projectId": PROJECT, "jobId": "j"}});
    let (status, job) = client.post(&format!("{PROJECT}/jobs"), insert).await;
    assert_eq!(status, 200);
    assert_eq!(job["status"]["errorResult"]["reason"], "accessDenied");
    let (status, body) = client.get(&format!("{PROJECT}/queries/j")).await;
    assert_eq!((status.as_u16(), reason(&body)), (403, "accessDenied"));
    assert_eq!(client.get(&format!("{PROJECT}/jobs/j")).await.0, 200);
    standin.allow(&key().member(), PROJECT, DATASET);
    assert_eq!(
        client.query(three_rows()).await.0,
        200,
        "a grant counts from the next request on"
    );
    standin.change_policy(|policy| policy.deny(&key().member()));
    assert_eq!(client.query(three_rows()).await.0, 403, "and so does its end");
}

#[tokio::test]
async fn what_is_missing_is_404_and_bad_sql_is_400() {
    let (_standin, client) = open().await;
    let missing = sql("SELECT 1 FROM `bigquery-public-data.samples.nothing`");
    let (status, body) = client.query(missing).await;
    assert_eq!(
        (status.as_u16(), reason(&body), &body["error"]["status"]),
        (404, "notFound", &json!("NOT_FOUND"))
    );
    assert_eq!(
        body["error"]["message"],
        "Not found: Table bigquery-public-data:samples.nothing was not found in location US"
    );
    let (status, body) = client.query(sql("SELECT 1 FROM `my-project.none.t`")).await;
    assert_eq!((status.as_u16(), reason(&body)), (404, "notFound"));
    let (status, body) = client.query(sql("SELECT 1 FROM `their-project.none.t`")).await;
    assert_eq!(
        (status.as_u16(), reason(&body)),
        (403, "accessDenied"),
        "a stranger learns nothing"
    );
    for bad in [
        "SELEC 1",
        "SELECT nothing_such FROM `bigquery-public-data.samples.shakespeare`",
    ] {
        let (status, body) = client.query(sql(bad)).await;
        assert_eq!((status.as_u16(), reason(&body)), (400, "invalidQuery"));
        assert_eq!(body["error"]["status"], "INVALID_ARGUMENT");
    }
    let (status, body) = client.query(json!({"query": "SELECT 1"})).await;
    assert_eq!(
        (status.as_u16(), reason(&body)),
        (400, "invalidQuery"),
        "legacy SQL is the default"
    );
}

#[tokio::test]
async fn only_permitted_callers_read_resources() {
    let (standin, client) = open().await;
    let base = "bigquery-public-data/datasets";
    let (_, list) = client.get(base).await;
    assert_eq!(list["datasets"][0]["datasetReference"]["datasetId"], "samples");
    let (_, dataset) = client.get(&format!("{base}/samples")).await;
    assert_eq!(dataset["kind"], "bigquery#dataset");
    let (_, tables) = client.get(&format!("{base}/samples/tables")).await;
    assert_eq!(tables["tables"][0]["tableReference"]["tableId"], "shakespeare");
    let (_, table) = client.get(&format!("{base}/samples/tables/shakespeare")).await;
    assert_eq!(
        table["schema"]["fields"][1],
        json!({"name": "word_count", "type": "INTEGER", "mode": "NULLABLE"})
    );
    assert!(table["etag"].is_string() && table["numRows"].is_string());
    assert_eq!(client.get(&format!("{base}/samples/tables/none")).await.0, 404);
    standin.change_policy(|policy| policy.deny(&key().member()));
    for path in [
        "samples",
        "samples/tables",
        "samples/tables/shakespeare",
        "samples/tables/shakespeare/data",
    ] {
        let (status, body) = client.get(&format!("{base}/{path}")).await;
        assert_eq!((status.as_u16(), reason(&body)), (403, "accessDenied"), "{path}");
    }
    assert_eq!(client.get(base).await.1["datasets"], json!([]));
}

#[tokio::test]
async fn a_read_only_scope_may_query_but_not_insert() {
    let (standin, _) = open().await;
    let token = token_for(
        &standin,
        key(),
        "https://www.googleapis.com/auth/bigquery.readonly",
    )
    .await;
    let client = Client::with(&standin, token);
    assert_eq!(client.query(three_rows()).await.0, 200);
    let insert = json!({"configuration": {"query": three_rows()}});
    let (status, body) = client.post(&format!("{PROJECT}/jobs"), insert).await;
    assert_eq!((status.as_u16(), reason(&body)), (403, "insufficientPermissions"));
}

#[tokio::test]
async fn a_job_belongs_to_its_creator() {
    let (standin, client) = open().await;
    let (_, body) = client.query(three_rows()).await;
    let id = body["jobReference"]["jobId"].as_str().unwrap();
    standin.register(other_key());
    standin.allow(&other_key().member(), PROJECT, DATASET);
    let other = Client::with(&standin, token_for(&standin, other_key(), SCOPE).await);
    for path in [format!("{PROJECT}/queries/{id}"), format!("{PROJECT}/jobs/{id}")] {
        assert_eq!(other.get(&path).await.0, 403);
        assert_eq!(client.get(&path).await.0, 200);
    }
    assert_eq!(other.get(&format!("{PROJECT}/jobs")).await.1["jobs"], json!([]));
}

#[tokio::test]
async fn no_form_of_a_query_reads_without_permission() {
    let standin = closed(Options::new(database())).await;
    standin.change_policy(|policy| policy.allow_jobs(PROJECT, &key().member()));
    let client = Client::of(&standin).await;
    let samples = json!({"projectId": "bigquery-public-data", "datasetId": "samples"});
    for text in [
        "SELECT word FROM shakespeare",
        // A WITH's own query does not see its name, and neither do those before it.
        "WITH shakespeare AS (SELECT word FROM shakespeare) SELECT word FROM shakespeare",
        "WITH a AS (SELECT word FROM shakespeare), shakespeare AS (SELECT 1) SELECT word FROM a",
        "WITH a AS (SELECT 1), b AS (WITH shakespeare AS (SELECT 2) SELECT 3) SELECT word FROM shakespeare",
        "SELECT word FROM shakespeare UNION ALL (WITH shakespeare AS (SELECT 'x' AS word) SELECT word FROM shakespeare)",
        // The Kelvin sign is not a K.
        "WITH `sha\u{212a}espeare` AS (SELECT 1 AS word) SELECT word FROM shakespeare",
        "SELECT 'x' AS word UNION ALL SELECT word FROM shakespeare",
        "SELECT (SELECT MAX(word) FROM shakespeare)",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM shakespeare)",
        "SELECT 'a' IN (SELECT word FROM shakespeare)",
        "SELECT 1 FROM UNNEST([1]) AS x JOIN shakespeare AS s ON x = (SELECT COUNT(*) FROM shakespeare)",
        "SELECT COUNT(*) FROM `bigquery-public-data`.`samples`.`shakespeare`",
        "SELECT COUNT(*) FROM `bigquery-public-data.samples`.shakespeare",
    ] {
        for dry in [false, true] {
            let mut request = sql(text);
            request["defaultDataset"] = samples.clone();
            request["dryRun"] = dry.into();
            let (status, body) = client.query(request).await;
            assert_eq!(
                (status.as_u16(), reason(&body)),
                (403, "accessDenied"),
                "{text}: {body}"
            );
        }
    }
}
