//! Answers of many pages, and answers that are not what was asked for.

use serde_json::{Value, json};
use wordtally::answer::Count;
use wordtally::cause::chain;
use wordtally::reason::Reason;

use crate::upstream::*;

/// Makes an answer wrong in one way.
type Change = fn(&mut Value);

/// Returns one answer, changed by the test.
async fn changed(change: impl FnOnce(&mut Value)) -> Result<Vec<Count>, Reason> {
    let mut body = answer(&[("hamlet", "995")]);
    change(&mut body);
    let peer = peer(move |_| Reply::Json(200, body.clone())).await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let result = bigquery.counts().await;
    result.map(|found| found.counts).map_err(|error| error.reason)
}

/// The library's own `query` returns only the first page.
#[tokio::test]
async fn every_page_is_fetched_in_order() {
    let peer = peer(|request| {
        let (row, next) = match request.parameters().get("pageToken").map(String::as_str) {
            None => (("a", "3"), Some("to b&?=")),
            Some("to b&?=") => (("b", "2"), Some("to c")),
            Some("to c") => (("c", "1"), None),
            Some(other) => panic!("{other}"),
        };
        let mut page = answer(&[row]);
        page["totalRows"] = json!("3");
        page["pageToken"] = json!(next);
        Reply::Json(200, page)
    })
    .await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let found = bigquery.counts().await.expect("an answer");
    let names: Vec<_> = found
        .counts
        .iter()
        .filter_map(|count| count.corpus.as_deref())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    for page in peer.to("/queries/job_1") {
        assert_eq!(page.parameters()["location"], "US");
    }
}

/// The name would be in each line of the log.
#[tokio::test]
async fn a_job_with_an_endless_name_cannot_be_polled() {
    for length in [1024, 1025] {
        let peer = peer(move |request| {
            let mut page = answer(&[("hamlet", "995")]);
            page["jobReference"]["jobId"] = json!("x".repeat(length));
            page["totalRows"] = json!("2");
            if !request.parameters().contains_key("pageToken") {
                page["pageToken"] = json!("next");
            }
            Reply::Json(200, page)
        })
        .await;
        let (bigquery, _) = bigquery(&config(&peer)).await;
        let found = bigquery.counts().await.map(|answer| answer.counts.len());
        let found = found.map_err(|error| chain(&error));
        let refused = "cannot fetch the rest of the answer: it has no jobReference";
        let expected = if length > 1024 {
            Err(refused.to_owned())
        } else {
            Ok(2)
        };
        assert_eq!(found, expected, "{length}");
    }
}

/// BigQuery's `errors` may be warnings: they do not mean that the job failed.
#[tokio::test]
async fn a_warning_beside_all_rows_is_an_answer() {
    let warned = |body: &mut Value| body["errors"] = json!([{"reason": "invalid", "message": "a warning"}]);
    let found = changed(warned).await.expect("an answer");
    assert_eq!(found.len(), 1);
    let lacking = changed(|body| {
        warned(body);
        body["totalRows"] = json!("2");
    });
    assert_eq!(lacking.await, Err(Reason::Malformed));
    let none = changed(|body| {
        warned(body);
        body["rows"] = Value::Null;
        body["totalRows"] = json!("0");
    });
    assert_eq!(none.await, Ok(Vec::new()));
    // The response does not say that these are all rows.
    let unannounced = changed(|body| {
        warned(body);
        body["totalRows"] = Value::Null;
    });
    assert_eq!(unannounced.await, Err(Reason::Invalid));
}

#[tokio::test]
async fn a_corpus_whose_counts_are_all_null_has_none() {
    let found = changed(|body| {
        let row = json!({"f": [{"v": "unknown"}, {"v": null}, {"v": null}, {"v": null}]});
        body["rows"].as_array_mut().expect("rows").push(row);
        body["totalRows"] = json!("2");
    });
    let counts: Vec<_> = found
        .await
        .expect("an answer")
        .iter()
        .map(|count| (count.total_words, count.corpus_words))
        .collect();
    assert_eq!(counts, [(995, CORPUS_WORDS), (0, 0)]);
}

#[tokio::test]
async fn a_missing_page_is_an_error() {
    assert_eq!(
        changed(|body| body["totalRows"] = json!("2")).await,
        Err(Reason::Malformed)
    );
}

#[tokio::test]
async fn pages_without_end_are_given_up() {
    let rows: Vec<(&str, &str)> = vec![("x", "1"); 4000];
    let mut page = answer(&rows);
    page["pageToken"] = json!("again");
    page.as_object_mut().expect("an object").remove("totalRows");
    let peer = peer(move |_| Reply::Json(200, page.clone())).await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let error = bigquery.counts().await.expect_err("a failure");
    assert_eq!(error.reason, Reason::Malformed);
    assert!(chain(&error).contains("more than 10000 rows"), "{error}");
    assert_eq!(peer.to("/queries/job_1").len(), 2);
}

#[tokio::test]
async fn empty_pages_without_end_are_given_up() {
    let peer = peer(|_| {
        let mut page = answer(&[]);
        page["totalRows"] = json!("1");
        page["pageToken"] = json!("again");
        Reply::Json(200, page)
    })
    .await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let error = bigquery.counts().await.expect_err("a failure");
    assert!(chain(&error).contains("more than 100 pages"), "{error}");
    assert_eq!(peer.to("/queries/job_1").len(), 99);
}

/// As a table, each of these few kilobytes would take more than a gigabyte.
#[tokio::test]
async fn names_that_would_make_a_huge_table_are_refused() {
    let long = "x".repeat(200_000);
    let lines = "\n".repeat(10_000);
    let many = vec!["y"; 9_999];
    for names in [[vec![long.as_str()], many].concat(), vec![&long, &lines]] {
        let rows: Vec<(&str, &str)> = names.iter().map(|name| (*name, "1")).collect();
        let result = changed(|body| *body = answer(&rows)).await;
        assert!(matches!(result, Err(Reason::Malformed)), "{} rows", names.len());
    }
    let rows = vec![("a corpus with quite a long name for one", "1"); 10_000];
    let result = changed(|body| *body = answer(&rows)).await;
    assert_eq!(result.map(|counts| counts.len()), Ok(10_000));
}

#[tokio::test]
async fn no_corpus_is_an_answer() {
    let empty = changed(|body| {
        body["totalRows"] = json!("0");
        // The library panics on a page without rows.
        body.as_object_mut().expect("an object").remove("rows");
    });
    assert_eq!(empty.await, Ok(Vec::new()));
}

#[tokio::test]
async fn columns_are_found_by_name_and_a_null_corpus_is_kept() {
    let found = changed(|body| {
        body["schema"]["fields"] = json!([
            {"name": "total_words", "type": "INT64"},
            {"name": "other_case", "type": "STRING"},
            {"name": "corpus", "type": "STRING"},
            {"name": "corpus_words", "type": "INT64"},
        ]);
        body["rows"] = json!([{"f": [{"v": "7"}, {"v": null}, {"v": null}, {"v": "9"}]}]);
    });
    let count = Count {
        corpus: None,
        total_words: 7,
        corpus_words: 9,
    };
    assert_eq!(found.await, Ok(vec![count]));
}

#[tokio::test]
async fn other_cases_are_told_from_corpora() {
    let mut body = answer(&[("hamlet", "3"), ("", "2"), ("", "1")]);
    body["rows"][1]["f"][3]["v"] = json!("THE");
    body["rows"][2]["f"][3]["v"] = json!("The");
    let peer = peer(move |_| Reply::Json(200, body.clone())).await;
    let (bigquery, _) = bigquery(&config(&peer)).await;
    let found = bigquery.counts().await.expect("an answer");
    assert_eq!(found.counts.len(), 1);
    let other_cases: Vec<_> = found
        .other_cases
        .iter()
        .map(|other| (other.word.as_str(), other.total_words))
        .collect();
    assert_eq!(other_cases, [("THE", 2), ("The", 1)]);
}

/// Only the header counts: neither a project's name nor an address does.
#[tokio::test]
async fn an_answer_is_a_sample_if_its_header_says_so() {
    for (field, expected) in [
        ("x-sample-data: bigquery-standin", true),
        ("server: bigquery-standin", false),
    ] {
        let peer = peer(move |_| Reply::With(field, answer(&[("hamlet", "995")]))).await;
        let (bigquery, _) = bigquery(&config(&peer)).await;
        let found = bigquery.counts().await.expect("an answer");
        assert_eq!(found.sample_data, expected);
    }
}

#[tokio::test]
async fn anything_but_an_answer_is_an_error_and_not_a_panic() {
    let cases: [(&str, Change); 17] = [
        // The library panics on this one: "Expecting a non empty list of fields".
        ("a schema without fields", |body| body["schema"] = json!({})),
        ("no schema", |body| body["schema"] = Value::Null),
        ("another column", |body| {
            body["schema"]["fields"][0]["name"] = json!("word")
        }),
        ("another type", |body| {
            body["schema"]["fields"][1]["type"] = json!("FLOAT")
        }),
        ("a case that is a number", |body| {
            body["schema"]["fields"][3]["type"] = json!("INTEGER")
        }),
        ("no words of the corpus", |body| {
            body["schema"]["fields"][2]["name"] = json!("words")
        }),
        ("a case that is a list", |body| {
            body["rows"][0]["f"][3]["v"] = json!([])
        }),
        ("an unknown type", |body| {
            body["schema"]["fields"][1]["type"] = json!("RANGE")
        }),
        ("neither rows nor a total", |body| {
            body["rows"] = Value::Null;
            body["totalRows"] = Value::Null;
        }),
        ("rows missing", |body| body["rows"] = Value::Null),
        ("a total that is not a number", |body| {
            body["totalRows"] = json!("many")
        }),
        ("a row without cells", |body| body["rows"][0] = json!({})),
        ("too few cells", |body| {
            body["rows"][0]["f"] = json!([{"v": "hamlet"}])
        }),
        ("a total that is text", |body| {
            body["rows"][0]["f"][1]["v"] = json!("9e2")
        }),
        ("a corpus that is a list", |body| {
            body["rows"][0]["f"][0]["v"] = json!([])
        }),
        ("a next page of no job", |body| {
            body["pageToken"] = json!("more");
            body["jobReference"] = Value::Null;
        }),
        ("a running job without a name", |body| {
            body["jobComplete"] = json!(false);
            body["jobReference"] = json!({});
        }),
    ];
    for (name, change) in cases {
        assert_eq!(changed(change).await, Err(Reason::Malformed), "{name}");
    }
}
