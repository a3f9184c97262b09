//! Jobs as Google's clients use them: insert, poll, get, list, cancel, dry run, limits, idempotency.

use bigquery_standin::faults::{Fault, Kind, Target};
use serde_json::{Value, json};

use crate::support::*;

fn insert(id: &str) -> Value {
    json!({"configuration": {"query": three_rows()}, "jobReference": {"projectId": PROJECT, "jobId": id}})
}

#[tokio::test]
async fn an_inserted_job_is_polled_to_its_end() {
    let (standin, client) = open().await;
    standin.add_fault(Fault::times(1, Target::Query, Kind::Incomplete { polls: 2 }));
    let (status, job) = client.post(&format!("{PROJECT}/jobs"), insert("one")).await;
    assert_eq!(
        (status.as_u16(), &job["kind"], &job["id"]),
        (200, &json!("bigquery#job"), &json!("my-project:US.one"))
    );
    assert_eq!(job["status"]["state"], "RUNNING");
    assert_eq!(job["jobReference"]["location"], "US");
    assert!(job["etag"].is_string() && job["selfLink"].as_str().unwrap().starts_with(standin.url()));
    for _ in 0..2 {
        let (_, body) = client
            .get(&format!("{PROJECT}/queries/one?location=us&timeoutMs=0"))
            .await;
        assert_eq!((&body["jobComplete"], body.get("schema")), (&json!(false), None));
    }
    let (_, body) = client.get(&format!("{PROJECT}/queries/one")).await;
    assert_eq!(
        (&body["jobComplete"], &body["totalRows"]),
        (&json!(true), &json!("3"))
    );
    let (_, job) = client.get(&format!("{PROJECT}/jobs/one?location=US")).await;
    assert_eq!(job["status"], json!({"state": "DONE"}));
    assert_eq!(job["statistics"]["query"]["cacheHit"], false);
    assert_eq!(job["user_email"], EMAIL);
    assert_eq!(job["configuration"]["query"]["useLegacySql"], false);
    assert_eq!(
        client.get(&format!("{PROJECT}/jobs/one?location=EU")).await.0,
        404
    );
    assert_eq!(client.get(&format!("{PROJECT}/queries/none")).await.0, 404);
    let (status, body) = client.post(&format!("{PROJECT}/jobs"), insert("one")).await;
    assert_eq!((status.as_u16(), reason(&body)), (409, "duplicate"));
    assert_eq!(standin.counters().polls, 4);
}

#[tokio::test]
async fn a_job_keeps_its_labels() {
    let (_standin, client) = open().await;
    let labels = json!({"team": "words"});
    let mut request = insert("labelled");
    request["configuration"]["labels"] = labels.clone();
    let (_, inserted) = client.post(&format!("{PROJECT}/jobs"), request).await;
    let mut request = three_rows();
    request["labels"] = labels.clone();
    let (_, queried) = client.query(request).await;
    assert_eq!(inserted["configuration"]["labels"], labels);
    for answer in [inserted, queried] {
        let id = answer["jobReference"]["jobId"].as_str().unwrap();
        let (_, job) = client.get(&format!("{PROJECT}/jobs/{id}")).await;
        assert_eq!(job["configuration"]["labels"], labels);
    }
}

#[tokio::test]
async fn a_cancelled_job_says_so() {
    let (standin, client) = open().await;
    standin.add_fault(Fault::times(1, Target::Query, Kind::Incomplete { polls: 1000 }));
    let (_, body) = client.query(three_rows()).await;
    assert_eq!(body["jobComplete"], false);
    let id = body["jobReference"]["jobId"].as_str().unwrap();
    let (status, body) = client
        .post(&format!("{PROJECT}/jobs/{id}/cancel?location=US"), json!({}))
        .await;
    assert_eq!(
        (status.as_u16(), &body["kind"]),
        (200, &json!("bigquery#jobCancelResponse"))
    );
    assert_eq!(body["job"]["status"]["errorResult"]["reason"], "stopped");
    let (status, body) = client.get(&format!("{PROJECT}/queries/{id}")).await;
    assert_eq!((status.as_u16(), reason(&body)), (499, "stopped"));
    assert_eq!(standin.counters().cancels, 1);
}

#[tokio::test]
async fn a_finished_job_stays_finished_when_cancelled() {
    let (_standin, client) = open().await;
    let (_, body) = client.query(three_rows()).await;
    let id = body["jobReference"]["jobId"].as_str().unwrap();
    client
        .post(&format!("{PROJECT}/jobs/{id}/cancel"), json!({}))
        .await;
    assert_eq!(client.get(&format!("{PROJECT}/queries/{id}")).await.0, 200);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_in_pages() {
    let (_standin, client) = open().await;
    for id in ["a", "b", "c"] {
        client.post(&format!("{PROJECT}/jobs"), insert(id)).await;
        client.get(&format!("{PROJECT}/queries/{id}")).await;
    }
    let (_, page) = client
        .get(&format!("{PROJECT}/jobs?maxResults=2&stateFilter=done"))
        .await;
    assert_eq!(
        (&page["kind"], &page["jobs"][0]["id"]),
        (&json!("bigquery#jobList"), &json!("my-project:US.c"))
    );
    let token = page["nextPageToken"].as_str().unwrap();
    let (_, page) = client.get(&format!("{PROJECT}/jobs?pageToken={token}")).await;
    assert_eq!(
        (page["jobs"].as_array().unwrap().len(), &page["jobs"][0]["id"]),
        (1, &json!("my-project:US.a"))
    );
    assert_eq!(
        client.get(&format!("{PROJECT}/jobs?stateFilter=running")).await.1["jobs"],
        json!([])
    );
}

#[tokio::test]
async fn a_dry_run_gives_schema_and_bytes_and_makes_no_job() {
    let (standin, client) = open().await;
    let mut request = three_rows();
    request["dryRun"] = json!("true");
    let (_, body) = client.query(request).await;
    assert_eq!(body["schema"]["fields"][0]["name"], "word");
    assert!(
        body["totalBytesProcessed"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 0
    );
    assert!(body["jobReference"].get("jobId").is_none());
    let dry = json!({"configuration": {"query": three_rows(), "dryRun": true}});
    let (_, job) = client.post(&format!("{PROJECT}/jobs"), dry).await;
    assert_eq!(
        job["statistics"]["totalBytesProcessed"],
        body["totalBytesProcessed"]
    );
    assert_eq!(job["status"]["state"], "DONE");
    let wrong = json!({"configuration": {"query": sql("SELEC"), "dryRun": true}});
    assert_eq!(client.post(&format!("{PROJECT}/jobs"), wrong).await.0, 400);
    assert_eq!(standin.counters().jobs_created, 0);
}

#[tokio::test]
async fn more_than_the_allowed_bytes_is_refused() {
    let (_standin, client) = open().await;
    let mut request = three_rows();
    request["maximumBytesBilled"] = json!("1000");
    let (status, body) = client.query(request.clone()).await;
    assert_eq!(
        (status.as_u16(), reason(&body)),
        (400, "bytesBilledLimitExceeded")
    );
    request["maximumBytesBilled"] = json!(100_000_000_u64);
    let (status, body) = client.query(request.clone()).await;
    assert_eq!(
        (status.as_u16(), &body["totalBytesBilled"]),
        (200, &json!("10485760"))
    );
    request["maximumBytesBilled"] = json!("many");
    assert_eq!(client.query(request).await.0, 400);
}

#[tokio::test]
async fn a_job_runs_where_its_data_is() {
    let (_standin, client) = open().await;
    let mut request = three_rows();
    request["location"] = json!("EU");
    let (status, body) = client.query(request).await;
    assert_eq!((status.as_u16(), reason(&body)), (404, "notFound"));
}

#[tokio::test]
async fn parameters_bind_in_any_spelling() {
    let (_standin, client) = open().await;
    let mut request = sql(&format!(
        "SELECT word, word_count FROM {TABLE} WHERE word = @word ORDER BY word_count LIMIT 1"
    ));
    request["parameterMode"] = json!("named");
    request["queryParameters"] =
        json!([{"name": "word", "parameterType": {"type": "string"}, "parameterValue": {"value": "love"}}]);
    let (status, body) = client.query(request.clone()).await;
    assert_eq!(
        (status.as_u16(), &body["rows"][0]["f"][0]["v"]),
        (200, &json!("love"))
    );
    for (path, value) in [
        ("/parameterType/type", "GEOGRAPHY"),
        ("/parameterType/type", "INT64"),
    ] {
        let mut wrong = request.clone();
        *wrong["queryParameters"][0].pointer_mut(path).unwrap() = json!(value);
        assert_eq!(client.query(wrong).await.0, 400);
    }
    request["parameterMode"] = json!("POSITIONAL");
    assert_eq!(client.query(request).await.0, 400);
}

#[tokio::test]
async fn the_same_request_is_the_same_job() {
    let (standin, client) = open().await;
    let mut request = three_rows();
    request["requestId"] = json!("7f3f");
    let (_, first) = client.query(request.clone()).await;
    request["maxResults"] = json!(1);
    let (_, again) = client.query(request.clone()).await;
    assert_eq!(first["jobReference"], again["jobReference"]);
    request["query"] = json!(format!("SELECT word FROM {TABLE} LIMIT 1"));
    let (_, other) = client.query(request).await;
    assert_ne!(first["jobReference"], other["jobReference"]);
    assert_eq!(standin.counters().jobs_created, 2);
}

#[tokio::test]
async fn the_discovery_document_describes_what_is_there() {
    let (standin, client) = open().await;
    for path in ["$discovery/rest?version=v2", "discovery/v1/apis/bigquery/v2/rest"] {
        let response = client
            .http
            .get(format!("{}/{path}", standin.url()))
            .send()
            .await
            .unwrap();
        let (status, body) = read(response).await;
        assert_eq!(status, 200);
        assert_eq!(body["rootUrl"], format!("{}/", standin.url()));
        let query = &body["resources"]["jobs"]["methods"]["query"];
        assert_eq!(
            (&query["httpMethod"], &query["path"]),
            (&json!("POST"), &json!("projects/{+projectId}/queries"))
        );
    }
    assert_eq!(client.get("my-project/nothing").await.0, 404);
}

#[tokio::test]
async fn the_same_request_at_once_is_one_job_too() {
    let (standin, client) = open().await;
    let mut request = three_rows();
    request["requestId"] = json!("at-once");
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (client, request) = (client.clone(), request.clone());
        all.spawn(async move { client.query(request).await.1["jobReference"]["jobId"].clone() });
    }
    let ids: std::collections::HashSet<String> = all.join_all().await.iter().map(Value::to_string).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(standin.counters().jobs_created, 1);
}

#[tokio::test]
async fn an_error_in_an_address_is_reported_like_any_other() {
    let (standin, client) = open().await;
    let (_, body) = client.query(three_rows()).await;
    let id = body["jobReference"]["jobId"].as_str().unwrap();
    for path in [
        format!("{PROJECT}/jobs/{id}?location=US&location=EU"),
        format!("{PROJECT}/queries/{id}?maxResults=-1"),
        format!("{PROJECT}/queries/{id}?startIndex=x"),
        format!("{PROJECT}/jobs?maxResults=many"),
        format!("{PROJECT}/jobs/%ff"),
    ] {
        let (status, body) = client.get(&path).await;
        assert_eq!((status.as_u16(), reason(&body)), (400, "invalid"), "{path}");
    }
    let cancel = format!("{PROJECT}/jobs/{id}/cancel?location=US&location=EU");
    assert_eq!(reason(&client.post(&cancel, json!({})).await.1), "invalid");
    let batch = client.http.post(format!("{}/batch/bigquery/v2", standin.url()));
    let (status, body) = read(batch.bearer_auth(&client.token).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), reason(&body)), (404, "notFound"));
    let other = client.http.post(format!("{}/{PROJECT}/jobs/{id}", client.base));
    let other = other
        .header("x-http-method-override", "GET")
        .bearer_auth(&client.token);
    assert_eq!(other.send().await.unwrap().status(), 404);
}
