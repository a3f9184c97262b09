//! Each trap of the `app.py` that this service replaces, and the test that proves it closed. Paths are relative to this
//! folder or to `tests/`.
//!
//! | Trap | Test |
//! | --- | --- |
//! | the SQL ignores WORD | here: `the_word_that_is_configured_is_the_one_that_is_counted` |
//! | SQL injection | here: `no_word_changes_the_sql`; `service/bigquery/request.rs`: `the_word_is_bound_and_every_limit_is_set` |
//! | WORD and rows unescaped in HTML | here: `hostile_words_and_rows_stay_text`; `service/render/pages.rs`: `hostile_text_stays_text` |
//! | a debug server on 127.0.0.1 | here: `it_listens_where_it_is_told`; `service/serving/sockets.rs`: `every_address_answers_ipv4_too` |
//! | the client is built at import | here: `it_serves_before_bigquery_can_be_reached` |
//! | a missing, empty, over-long or odd WORD | here: `a_bad_word_stops_the_start`; `configuration.rs`: `bad_words_are_refused` |
//! | no timeout | `service/bigquery/timeout.rs`: `a_silent_bigquery_ends_in_a_timeout` |
//! | no retry | `service/bigquery/retries.rs`: `transient_failures_are_retried_with_the_same_request_id` |
//! | no cancel | `freshness.rs`: `a_job_that_outlives_the_timeout_is_cancelled` |
//! | no error page | `service/serving/refusals.rs`: `unknown_paths_are_404_in_the_accepted_format` |
//! | an exception's text in an error page | `freshness.rs`: `every_failure_is_sorted_hidden_from_the_client_and_recovered_from` |
//! | one billed job per GET | `freshness.rs`: `one_job_per_ttl_whatever_the_traffic_and_before_it_ends` |
//! | no cap on bytes billed | `freshness.rs`: `more_than_the_cap_on_bytes_is_never_billed` |
//! | blocking workers | here: `a_hanging_bigquery_slows_no_page` |
//! | no health, readiness, metrics | here: `health_readiness_and_metrics_are_there` |
//! | no structured log | here: `every_log_line_is_json` |
//! | no drain | `lifecycle.rs`: `sigterm_under_load_loses_no_request` |
//! | an empty result is a blank 200 | here: `an_empty_result_says_so` |
//! | matching is case-sensitive, and stays so | here: `matching_is_case_sensitive` |
//! | job project, table and location hard-coded | here: `project_table_and_location_are_configured` |
//! | data read without authentication | here: `without_a_credential_there_is_no_data`; `credentials.rs`: all |
//! | a bare fragment without doctype, charset or security headers | here: `the_page_is_a_whole_document_with_security_headers` |

use std::sync::Arc;
use std::time::Duration;

use bigquery_standin::faults::{Kind, Target};
use bigquery_standin::sql::Query;
use bigquery_standin::{Options, data};
use serde_json::Value;
use tokio::time::Instant;

use crate::google::*;
use crate::instance::*;

/// Words that would do harm in SQL made of text, or match more than themselves.
const INJECTIONS: [&str; 8] = [
    "' OR '1'='1",
    "the' UNION ALL SELECT table_name, 1 FROM INFORMATION_SCHEMA.TABLES --",
    "'; DROP TABLE shakespeare; --",
    "`bigquery-public-data.samples.shakespeare`",
    "@word",
    "%",
    "t_e",
    "\\' OR 1=1 #",
];

/// The total of a corpus in an answer.
fn total(answer: &Value, corpus: &str) -> Option<i64> {
    let rows = answer["counts"].as_array().unwrap();
    let row = rows.iter().find(|row| row["corpus"] == corpus)?;
    row["total_words"].as_i64()
}

/// How often the word occurs in a corpus of the stand-in's own table.
fn shipped(word: &str, corpus: &str) -> i64 {
    let database = data::shipped().unwrap();
    let query = Query {
        sql: &format!(
            "SELECT word_count FROM samples.shakespeare WHERE word = '{word}' AND corpus = '{corpus}'"
        ),
        project: "bigquery-public-data",
        dataset: None,
        parameters: &[],
    };
    let rows = database.run(&database.prepare(&query).unwrap()).unwrap();
    rows[0][0].as_ref().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_word_that_is_configured_is_the_one_that_is_counted() {
    let google = Google::start().await;
    let the = Serve::from(&google).start().await.answer().await;
    let love = Serve::from(&google)
        .flag("--word", "love")
        .start()
        .await
        .answer()
        .await;
    assert_eq!(total(&the, "hamlet"), Some(shipped("the", "hamlet")));
    assert_eq!(total(&love, "hamlet"), Some(shipped("love", "hamlet")));
}

#[tokio::test]
async fn no_word_changes_the_sql() {
    let google = Google::start().await;
    for word in INJECTIONS {
        let answer = Serve::from(&google)
            .flag("--word", word)
            .start()
            .await
            .answer()
            .await;
        assert_eq!(answer["word"], word);
        assert_eq!(answer["counts"], Value::Array(Vec::new()), "{word}");
    }
    let jobs = google.job_list(PROJECT).await;
    assert_eq!(jobs.len(), INJECTIONS.len());
    for job in &jobs {
        let query = &job["configuration"]["query"];
        assert_eq!(query["query"], jobs[0]["configuration"]["query"]["query"]);
        let sql = query["query"].as_str().unwrap();
        assert!(sql.contains("LOWER(word) = LOWER(@word)"), "{sql}");
    }
}

#[tokio::test]
async fn hostile_words_and_rows_stay_text() {
    const WORD: &str = "<script>alert('word')</script>";
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("table.csv");
    let written = std::fs::write(
        &table,
        format!("word,word_count,corpus,corpus_date\n{WORD},7,<img src=x onerror=alert(1)>&amp;,1600\n"),
    );
    written.unwrap();
    let google = Google::with(Options::new(Arc::new(data::load(&table).unwrap()))).await;
    let instance = Serve::from(&google).flag("--word", WORD).start().await;
    assert_eq!(
        total(&instance.answer().await, "<img src=x onerror=alert(1)>&amp;"),
        Some(7)
    );
    let page = instance.get_as("/", "text/html").await;
    let page = page.text();
    for mark_up in ["<script", "<img"] {
        assert!(!page.to_lowercase().contains(mark_up), "{page}");
    }
    assert!(page.contains("<h4>Amount of times '&lt;script&gt;"), "{page}");
    assert!(
        page.contains("&lt;img src=x onerror=alert(1)&gt;&amp;amp;"),
        "{page}"
    );
}

#[tokio::test]
async fn it_listens_where_it_is_told() {
    let google = Google::start().await;
    let instance = Serve::from(&google).flag("--listen", "0.0.0.0:0").start().await;
    assert_eq!(instance.address().ip().to_string(), "0.0.0.0");
    assert_eq!(instance.get("/healthz").await.status(), 200);
    let page = instance.get("/console").await;
    assert_eq!(page.status(), 404, "no debugger");
}

#[tokio::test]
async fn it_serves_before_bigquery_can_be_reached() {
    let google = Google::start().await;
    let instance = Serve::from(&google)
        .flag("--bigquery-endpoint", "http://127.0.0.1:1")
        .flag("--timeout", "500ms")
        .start()
        .await;
    assert_eq!(instance.get("/healthz").await.status(), 200);
    assert_eq!(instance.get("/").await.status(), 503);
}

#[tokio::test]
async fn a_bad_word_stops_the_start() {
    let google = Google::start().await;
    let long = "x".repeat(257);
    for word in ["", "a\nb", "a\u{7f}", long.as_str()] {
        let (code, said) = Serve::from(&google).flag("--word", word).refused().await;
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.starts_with("--word: ") && said.lines().count() == 1,
            "{said}"
        );
    }
    let mut missing = binary();
    let output = missing
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("wordtally: missing --word"), "{said}");
}

#[tokio::test]
async fn a_hanging_bigquery_slows_no_page() {
    let google = Google::start().await;
    let instance = Serve::from(&google).flag("--ttl", "500ms").start().await;
    instance.answer().await;
    google.always(Target::Any, Kind::Hang);
    // By now the next refresh hangs, and will for 30 s.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let mut client = instance.connect().await;
    let begun = Instant::now();
    for _ in 0..200 {
        assert_eq!(client.get("/").await.status(), 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(instance.lines("answer refreshed").len(), 1, "it did not hang");
    assert_eq!(instance.lines("refresh failed").len(), 0, "it did not hang");
}

#[tokio::test]
async fn health_readiness_and_metrics_are_there() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    assert_eq!(instance.get("/healthz").await.text(), "ok\n");
    assert_eq!(instance.get("/readyz").await.text(), "ready\n");
    for (name, value) in [
        ("wordtally_bigquery_jobs_total", 1.0),
        ("wordtally_bigquery_billed_bytes_total", 10_485_760.0),
        ("wordtally_refreshes_total{result=\"ok\"}", 1.0),
        ("wordtally_answer_ttl_seconds", 300.0),
    ] {
        assert_eq!(instance.metric(name).await, Some(value), "{name}");
    }
}

#[tokio::test]
async fn every_log_line_is_json() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Quota);
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    assert_eq!(instance.get("/nothing\"here").await.status(), 404);
    let log = instance.stop().await;
    assert!(log.len() >= 5, "{log:#?}");
    for line in log {
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "{field} in {line}");
        }
    }
}

#[tokio::test]
async fn an_empty_result_says_so() {
    let google = Google::start().await;
    let instance = Serve::from(&google).flag("--word", "blockchain").start().await;
    for accept in ["text/html", "text/plain", "text/markdown"] {
        let page = instance.get_as("/", accept).await;
        assert_eq!(page.status(), 200);
        assert!(page.text().contains("blockchain"), "{accept}: {}", page.text());
        assert!(!page.text().contains("<pre></pre>"), "{}", page.text());
        assert!(
            page.text().contains("appears in no corpus"),
            "{accept}: {}",
            page.text()
        );
    }
}

#[tokio::test]
async fn matching_is_case_sensitive() {
    let google = Google::start().await;
    let upper = Serve::from(&google)
        .flag("--word", "The")
        .start()
        .await
        .answer()
        .await;
    let lower = Serve::from(&google).start().await.answer().await;
    let (upper, lower) = (total(&upper, "hamlet").unwrap(), total(&lower, "hamlet").unwrap());
    assert!(0 < upper && upper < lower, "{upper} and {lower}");
}

#[tokio::test]
async fn project_table_and_location_are_configured() {
    let google = Google::start().await;
    google.standin.allow(&key().member(), "other-project", DATASET);
    let serve = Serve::from(&google).flag("--project", "other-project");
    serve
        .clone()
        .flag("--location", "US")
        .start()
        .await
        .answer()
        .await;
    assert_eq!(google.job_list(PROJECT).await.len(), 0);
    let jobs = google.job_list("other-project").await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0]["jobReference"]["location"], "US");

    // The stand-in has only this table, and only in the US.
    for (name, value, told) in [
        ("--location", "EU", "location EU"),
        (
            "--table",
            "bigquery-public-data.samples.another",
            "samples.another",
        ),
    ] {
        let instance = serve.clone().flag(name, value).start().await;
        let line = instance.logged("refresh failed", |_| true).await;
        assert_eq!(line["reason"], "not_found", "{line}");
        assert!(line["cause"].as_str().unwrap().contains(told), "{line}");
    }
}

#[tokio::test]
async fn without_a_credential_there_is_no_data() {
    let google = Google::start().await;
    // No credential anywhere: no file, and no metadata server.
    let instance = Serve::without_credentials(&google)
        .flag("--project", PROJECT)
        .environment("HOME", google.directory.path())
        .environment("GCE_METADATA_HOST", "127.0.0.1:1")
        .flag("--timeout", "500ms")
        .start()
        .await;
    let page = instance.get("/").await;
    assert_eq!(page.status(), 503);
    assert!(!page.text().contains("hamlet"));
    assert_eq!(google.jobs(), 0);
}

#[tokio::test]
async fn the_page_is_a_whole_document_with_security_headers() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    let page = instance.get_as("/", "text/html").await;
    let text = page.text();
    assert!(
        text.starts_with("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"),
        "{text}"
    );
    assert!(text.ends_with("</html>\n"));
    assert!(
        text.contains("<h4>Amount of times 'the' appears per corpus</h4><pre>| corpus"),
        "{text}"
    );
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(
        page.header("server"),
        None,
        "which software it is, is nobody's business"
    );
}
