//! Every row appears once, whichever way the pages are requested.

use bigquery_standin::faults::{Fault, Kind, Target};
use serde_json::{Value, json};

use crate::support::*;

fn words(body: &Value) -> Vec<String> {
    let rows = body["rows"].as_array().cloned().unwrap_or_default();
    rows.iter()
        .map(|row| row["f"][1]["v"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn page_tokens_lead_through_all_rows() {
    let (standin, client) = open().await;
    let (_, whole) = client.query(three_rows()).await;
    assert_eq!((&whole["totalRows"], words(&whole).len()), (&json!("3"), 3));
    assert!(whole.get("pageToken").is_none());
    let mut request = three_rows();
    request["maxResults"] = json!(1);
    let (_, mut page) = client.query(request).await;
    let id = page["jobReference"]["jobId"].as_str().unwrap().to_owned();
    let mut found = words(&page);
    while let Some(token) = page["pageToken"].as_str().map(str::to_owned) {
        page = client
            .get(&format!(
                "{PROJECT}/queries/{id}?location=US&maxResults=1&pageToken={token}"
            ))
            .await
            .1;
        assert_eq!(page["kind"], "bigquery#getQueryResultsResponse");
        assert_eq!(words(&page).len(), 1);
        found.extend(words(&page));
    }
    assert_eq!(found, words(&whole));
    let python = "fields=rows&formatOptions.useInt64Timestamp=True&prettyPrint=false";
    assert_eq!(
        client.get(&format!("{PROJECT}/queries/{id}?{python}")).await.0,
        200
    );
    let (status, body) = client
        .get(&format!("{PROJECT}/queries/{id}?pageToken=nonsense"))
        .await;
    assert_eq!((status.as_u16(), reason(&body)), (400, "invalid"));
    let (_, other) = client.query(three_rows()).await;
    let other = other["jobReference"]["jobId"].as_str().unwrap().to_owned();
    let token = json!(
        client
            .get(&format!("{PROJECT}/queries/{other}?maxResults=1"))
            .await
            .1["pageToken"]
    );
    let (status, body) = client
        .get(&format!(
            "{PROJECT}/queries/{id}?pageToken={}",
            token.as_str().unwrap()
        ))
        .await;
    assert_eq!(
        (status.as_u16(), reason(&body)),
        (400, "invalid"),
        "another job's token"
    );
    let (_, tail) = client.get(&format!("{PROJECT}/queries/{id}?startIndex=2")).await;
    assert_eq!(words(&tail), words(&whole)[2..]);
    let (_, beyond) = client.get(&format!("{PROJECT}/queries/{id}?startIndex=9")).await;
    assert_eq!((beyond.get("rows"), &beyond["totalRows"]), (None, &json!("3")));
    let (_, none) = client.get(&format!("{PROJECT}/queries/{id}?maxResults=0")).await;
    assert_eq!(
        (
            none.get("rows"),
            &none["totalRows"],
            none["schema"]["fields"].as_array().unwrap().len()
        ),
        (None, &json!("3"), 2)
    );
    standin.add_fault(Fault::always(Target::Results, Kind::PageRows { rows: 2 }));
    let (_, short) = client.get(&format!("{PROJECT}/queries/{id}?maxResults=3")).await;
    assert_eq!(words(&short).len(), 2);
    assert!(short["pageToken"].is_string());
}

#[tokio::test]
async fn an_empty_result_keeps_its_schema() {
    let (_standin, client) = open().await;
    let (_, body) = client
        .query(sql(&format!(
            "SELECT word, word_count FROM {TABLE} WHERE word = 'zzzz'"
        )))
        .await;
    assert_eq!((&body["totalRows"], body.get("rows")), (&json!("0"), None));
    assert_eq!(body["schema"]["fields"][1]["type"], "INTEGER");
}

#[tokio::test]
async fn a_table_is_listed_in_pages() {
    let (_standin, client) = open().await;
    let path = "bigquery-public-data/datasets/samples/tables/shakespeare/data";
    let (_, first) = client.get(&format!("{path}?maxResults=1")).await;
    assert_eq!(
        (first["rows"].as_array().unwrap().len(), &first["kind"]),
        (1, &json!("bigquery#tableDataList"))
    );
    let token = first["pageToken"].as_str().unwrap();
    let (_, second) = client
        .get(&format!("{path}?maxResults=1&pageToken={token}"))
        .await;
    let (_, both) = client.get(&format!("{path}?maxResults=2")).await;
    assert_eq!(json!([first["rows"][0], second["rows"][0]]), both["rows"]);
    let (_, narrow) = client
        .get(&format!("{path}?maxResults=1&selectedFields=corpus"))
        .await;
    assert_eq!(narrow["rows"][0]["f"], json!([first["rows"][0]["f"][2]]));
    assert_eq!(client.get(&format!("{path}?selectedFields=nope")).await.0, 400);
}
