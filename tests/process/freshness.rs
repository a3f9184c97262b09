//! The real service stays fresh, survives faults of BigQuery, and recovers by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bigquery_standin::faults::{ErrorBody, Kind, Target};
use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

use crate::google::*;
use crate::http::Reply;
use crate::instance::*;

/// A lasting failure that ends as soon as it is cleared.
const DOWN: Kind = Kind::Status {
    code: 501,
    body: ErrorBody::Json,
    retry_after: None,
};

fn age(reply: &Reply) -> u64 {
    reply.header("age").expect("an age").parse().unwrap()
}

#[tokio::test]
async fn one_job_per_ttl_whatever_the_traffic_and_before_it_ends() {
    const TTL: Duration = Duration::from_secs(2);
    let google = Google::start().await;
    let instance = Serve::from(&google).flag("--ttl", "2s").start().await;
    // The first job began when the instance did.
    let first = Instant::now();
    instance.answer().await;
    let served = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let mut client = instance.connect().await;
        let served = Arc::clone(&served);
        clients.spawn(async move {
            loop {
                assert_eq!(client.get("/").await.status(), 200);
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut jobs = vec![first];
    while jobs.len() < 3 || served.load(Ordering::Relaxed) < 2000 {
        assert!(first.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
        while google.jobs() > jobs.len() as u64 {
            jobs.push(Instant::now());
        }
    }
    assert!(clients.try_join_next().is_none(), "a client was turned away");
    clients.shutdown().await;
    for pair in jobs.windows(2) {
        let apart = pair[1] - pair[0];
        // On a busy machine a job is seen late, but never half a TTL late.
        assert!(apart < TTL && apart > TTL / 2, "{apart:?}");
    }
    assert_eq!(google.standin.counters().token_requests, 1);
}

#[tokio::test]
async fn a_failing_bigquery_leaves_the_old_answer_with_its_true_age_until_it_is_stale() {
    let google = Google::start().await;
    let instance = Serve::from(&google)
        .flag("--ttl", "500ms")
        .flag("--max-stale", "2s")
        .start()
        .await;
    instance.answer().await;
    google.always(Target::Query, DOWN);
    instance
        .logged("refresh failed", |line| line["reason"] == "unavailable")
        .await;
    let answer = instance.answer().await;
    let as_of = instance.metric("wordtally_answer_timestamp_seconds").await;
    let as_of = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(as_of.unwrap());
    let mut seen = Vec::new();
    let gone = eventually("the end of the stale answer", async || {
        let ready = instance.get("/readyz").await;
        let before = as_of.elapsed().unwrap().as_secs();
        let reply = instance.get_as("/", "application/json").await;
        if reply.status() != 200 {
            return Some(reply);
        }
        assert!((before..=as_of.elapsed().unwrap().as_secs()).contains(&age(&reply)));
        let again: Value = serde_json::from_slice(reply.body()).unwrap();
        assert_eq!(again["as_of"], answer["as_of"], "the same answer");
        assert_eq!(ready.status(), 200);
        seen.push(age(&reply));
        None
    })
    .await;
    assert!(seen.contains(&0) || seen.contains(&1), "{seen:?}");
    assert!(*seen.last().unwrap() >= 1, "it never grew: {seen:?}");
    assert!(as_of.elapsed().unwrap() >= Duration::from_secs(2));
    assert_eq!(gone.status(), 503);
    assert!(gone.header("retry-after").is_some());
    let ready = instance.get("/readyz").await;
    assert_eq!(
        (ready.status(), ready.text()),
        (503, "not ready: BigQuery cannot be reached\n")
    );
    google.standin.clear_faults();
    instance.answer().await;
    assert_eq!(instance.get("/readyz").await.status(), 200);
}

#[tokio::test]
async fn a_first_start_with_bigquery_down_says_so_and_recovers_alone() {
    let google = Google::start().await;
    google.always(Target::Any, DOWN);
    let instance = Serve::from(&google).flag("--timeout", "1s").start().await;
    let page = instance.get("/").await;
    assert_eq!(page.status(), 503);
    let retry_after: u64 = page.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry_after), "{retry_after}");
    let ready = instance.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    assert!(ready.text().starts_with("not ready: "), "{}", ready.text());
    assert_eq!(instance.get("/healthz").await.text(), "ok\n");
    let pid = instance.pid();
    google.standin.clear_faults();
    assert_eq!(instance.answer().await["word"], "the");
    assert_eq!(instance.get("/readyz").await.text(), "ready\n");
    assert_eq!(instance.pid(), pid);
}

#[tokio::test]
async fn a_job_that_takes_longer_is_polled_to_its_end() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Incomplete { polls: 2 });
    let instance = Serve::from(&google).start().await;
    assert_eq!(instance.get("/").await.status(), 200);
    let counters = google.standin.counters();
    assert_eq!(
        (counters.jobs_created, counters.polls, counters.cancels),
        (1, 3, 0)
    );
}

#[tokio::test]
async fn pages_make_the_same_answer_as_one() {
    let google = Google::start().await;
    let whole = Serve::from(&google).start().await.answer().await;
    assert_eq!(google.standin.counters().polls, 0);
    google.always(Target::Any, Kind::PageRows { rows: 9 });
    let paged = Serve::from(&google).start().await.answer().await;
    assert_eq!(paged["counts"], whole["counts"]);
    let rows = whole["counts"].as_array().unwrap().len() as u64;
    assert_eq!(google.standin.counters().polls, rows.div_ceil(9) - 1);
}

#[tokio::test]
async fn a_job_that_outlives_the_timeout_is_cancelled() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Incomplete { polls: 1000 });
    // Long enough for the token on a busy machine: without a token the reason would be another.
    let instance = Serve::from(&google).flag("--timeout", "2s").start().await;
    let line = instance.logged("refresh failed", |_| true).await;
    assert_eq!(line["reason"], "timeout");
    let cause = line["cause"].as_str().unwrap();
    assert!(cause.contains("was still running"), "{cause}");
    eventually("a cancelled job", async || {
        (google.standin.counters().cancels == 1).then_some(())
    })
    .await;
    instance
        .logged("gave up a running job", |line| line["cancelled"] == true)
        .await;
    instance.answer().await;
}

#[tokio::test]
async fn more_than_the_cap_on_bytes_is_never_billed() {
    let google = Google::start().await;
    let instance = Serve::from(&google)
        .flag("--maximum-bytes-billed", "1000000")
        .start()
        .await;
    assert_eq!(instance.get("/").await.status(), 503);
    let line = instance.logged("refresh failed", |_| true).await;
    assert_eq!(line["reason"], "invalid");
    assert!(
        line["cause"]
            .as_str()
            .unwrap()
            .contains("bytesBilledLimitExceeded"),
        "{line}"
    );
    assert_eq!(
        instance.metric("wordtally_bigquery_billed_bytes_total").await,
        Some(0.0)
    );
    let enough = Serve::from(&google)
        .flag("--maximum-bytes-billed", "10485760")
        .start()
        .await;
    enough.answer().await;
    let billed = enough.metric("wordtally_bigquery_billed_bytes_total").await;
    assert_eq!(billed, Some(10_485_760.0));
}

#[tokio::test]
async fn a_revoked_token_costs_one_new_token_and_no_page() {
    let google = Google::start().await;
    let instance = Serve::from(&google).flag("--ttl", "400ms").start().await;
    instance.answer().await;
    assert_eq!(google.standin.counters().token_requests, 1);
    google.standin.revoke_all().unwrap();
    instance
        .logged("BigQuery refused the access token: taking a new one", |_| true)
        .await;
    let jobs = google.jobs();
    eventually("two more jobs", async || {
        assert_eq!(instance.get("/").await.status(), 200);
        (google.jobs() >= jobs + 2).then_some(())
    })
    .await;
    assert_eq!(google.standin.counters().token_requests, 2);
    assert_eq!(instance.lines("refresh failed"), Vec::<Value>::new());
}

#[tokio::test]
async fn a_new_key_file_is_picked_up_without_a_restart() {
    let google = Google::start().await;
    let instance = Serve::from(&google).flag("--ttl", "400ms").start().await;
    instance.answer().await;
    let fresh = google.standin.rotate_key(ACCOUNT, PROJECT).unwrap();
    google.standin.revoke_all().unwrap();
    let line = instance.logged("refresh failed", |_| true).await;
    assert_eq!(line["reason"], "credential");
    assert!(
        line["cause"].as_str().unwrap().contains("invalid_grant"),
        "{line}"
    );
    assert_eq!(instance.get("/").await.status(), 200, "the old answer stays");
    let jobs = google.jobs();
    google.file("bigquery.json", &fresh.to_json(&google.standin.token_uri()));
    eventually("a job with the new key", async || {
        (google.jobs() > jobs).then_some(())
    })
    .await;
    assert_eq!(instance.get("/").await.status(), 200);
}

#[tokio::test]
async fn a_refused_credential_is_reported_in_the_log_and_not_to_the_client() {
    let google = Google::start().await;
    google.standin.change_policy(|policy| {
        policy.account_mut(ACCOUNT).unwrap().public_keys.clear();
    });
    let instance = Serve::from(&google).start().await;
    let page = instance.get("/").await;
    assert_eq!(page.status(), 503);
    leaks_nothing(&google, &page, "a refused key");
    let ready = instance.get("/readyz").await;
    assert_eq!(
        ready.text(),
        "not ready: the credential is missing or was refused\n"
    );
    let line = instance.logged("refresh failed", |_| true).await;
    assert_eq!(line["reason"], "credential");
    assert!(
        line["cause"].as_str().unwrap().contains("Invalid JWT Signature"),
        "{line}"
    );
    assert_eq!(google.jobs(), 0);
    assert_eq!(instance.metric("wordtally_bigquery_jobs_total").await, Some(0.0));
}

/// A client sees nothing of what broke, where, or in whose words.
fn leaks_nothing(google: &Google, reply: &Reply, case: &str) {
    let text = reply.text();
    // The style belongs to the program, and is the same for every page.
    let (before, after) = text.split_once("<style>").unwrap_or((text, ""));
    let after = after.split_once("</style>").map_or(after, |(_, after)| after);
    let shown = format!("{}{before}{after}", reply.head()).to_lowercase();
    let host = google.standin.url().trim_start_matches("http://");
    for word in [
        host,
        ACCOUNT,
        PROJECT,
        "bigquery.json",
        "bigquery",
        "google",
        "token",
        "credential",
        "jwt",
        "quota",
        "rate",
        "backend",
        "unavailable.",
        "json at",
        "line 1",
        "connection reset",
        "timed out",
        "error sending",
        "panicked",
    ] {
        assert!(!shown.contains(&word.to_lowercase()), "{case}: {word} in {shown}");
    }
}

/// A failure, the reason that it must have, and what the log says about it.
struct Failure(&'static str, Target, Kind, &'static str, &'static str);

// One line each, as a table.
#[rustfmt::skip]
fn failures() -> Vec<Failure> {
    use ErrorBody::{Empty, Html, Json, JsonWithoutErrors};
    use Target::{Query, Results, Token};
    let status = |code, body| Kind::Status { code, body, retry_after: None };
    vec![
        Failure("quota", Query, Kind::Quota, "quota", "rateLimitExceeded"),
        Failure("429", Query, status(429, Json), "quota", "429"),
        Failure("500", Query, status(500, Json), "unavailable", "500"),
        Failure("502 empty", Query, status(502, Empty), "unavailable", "502"),
        Failure("503", Query, status(503, Json), "unavailable", "503"),
        Failure("503 without errors[]", Query, status(503, JsonWithoutErrors), "unavailable", "503"),
        Failure("503 HTML", Query, status(503, Html), "unavailable", "503"),
        Failure("404 HTML", Query, status(404, Html), "not_found", "404"),
        Failure("reset", Query, Kind::Reset, "unavailable", "was incomplete"),
        Failure("hang", Query, Kind::Hang, "timeout", "900ms"),
        Failure("late", Query, Kind::Latency { milliseconds: 5000 }, "timeout", "900ms"),
        Failure("truncated", Query, Kind::Truncated, "unavailable", "was incomplete"),
        Failure("malformed", Query, Kind::MalformedJson, "malformed", "cannot be parsed"),
        Failure("{}", Query, Kind::EmptyObject, "malformed", "no jobReference"),
        Failure("{error}", Query, Kind::ErrorObject, "malformed", "no jobReference"),
        Failure("no rows", Query, Kind::NoRows, "malformed", "0 of "),
        Failure("no fields", Query, Kind::NoFields, "malformed", "no schema"),
        Failure("poll 503", Results, status(503, Html), "unavailable", "503"),
        Failure("token 500", Token, status(500, Html), "token_server", "the token server"),
        Failure("token reset", Token, Kind::Reset, "token_server", "the token server cannot be reached"),
        // Not a hang: a fetch continues for its own ten seconds, and the recovery waits for it.
        Failure("token late", Token, Kind::Latency { milliseconds: 2000 }, "token_server", "900ms"),
        Failure("token truncated", Token, Kind::Truncated, "token_server", "the token server"),
        Failure("token malformed", Token, Kind::MalformedJson, "token_server", "a body that is not JSON"),
        Failure("token {}", Token, Kind::EmptyObject, "token_server", "has no access token"),
        Failure("token {error}", Token, Kind::ErrorObject, "token_server", "the token server"),
    ]
}

#[tokio::test]
async fn every_failure_is_sorted_hidden_from_the_client_and_recovered_from() {
    let (mut cases, together) = (JoinSet::new(), LocalSet::new());
    for Failure(case, target, kind, reason, told) in failures() {
        let case = async move {
            let google = Google::start().await;
            google.always(target, kind);
            if target == Target::Results {
                google.always(Target::Query, Kind::Incomplete { polls: 1 });
            }
            // Transient failures are retried until the timeout; all others must fail long before it, even on a busy
            // machine.
            let passing = matches!(reason, "unavailable" | "quota" | "token_server");
            let timeout = if passing || reason == "timeout" {
                "900ms"
            } else {
                "9s"
            };
            let instance = Serve::from(&google).flag("--timeout", timeout).start().await;
            for accept in ["text/html", "application/json", "text/csv"] {
                let page = instance.get_as("/", accept).await;
                assert_eq!(page.status(), 503, "{case}");
                assert!(page.header("retry-after").is_some(), "{case}");
                assert_eq!(page.header("cache-control"), Some("no-store"), "{case}");
                leaks_nothing(&google, &page, case);
            }
            // On a busy machine the first 900 ms may end before there is a token.
            let late = |line: &Value| {
                timeout == "900ms" && line["reason"] == "token_server" && reason != "token_server"
            };
            let line = instance.logged("refresh failed", |line| !late(line)).await;
            let failed = &line["reason"];
            assert!(
                failed == reason || (matches!(reason, "unavailable" | "quota") && failed == "timeout"),
                "{case}: {line}"
            );
            eventually(case, async || {
                instance.log().join("\n").contains(told).then_some(())
            })
            .await;
            assert_eq!(instance.get("/readyz").await.status(), 503, "{case}");
            assert_eq!(instance.get("/healthz").await.status(), 200, "{case}");
            google.standin.clear_faults();
            assert_eq!(instance.answer().await["word"], "the", "{case}");
            let log = instance.stop().await.join("\n");
            assert!(!log.contains("panicked"), "{case}: {log}");
        };
        cases.spawn_local_on(case, &together);
    }
    together
        .run_until(async {
            while let Some(case) = cases.join_next().await {
                case.unwrap();
            }
        })
        .await;
}

#[tokio::test]
async fn a_token_without_a_lifetime_serves() {
    let google = Google::start().await;
    google.always(Target::Token, Kind::NoExpiry);
    let instance = Serve::from(&google).flag("--ttl", "300ms").start().await;
    instance.answer().await;
    eventually("three jobs", async || (google.jobs() >= 3).then_some(())).await;
    assert_eq!(google.standin.counters().token_requests, 1, "it is kept a while");
    assert_eq!(instance.lines("refresh failed"), Vec::<Value>::new());
}
