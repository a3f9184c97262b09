//! The metrics of the running program: how long requests took, the process itself, in both text formats.

use bigquery_standin::faults::{Kind, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::google::*;
use crate::instance::*;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// One GET with these additional header fields.
async fn get(instance: &Instance, path: &str, fields: &str) -> String {
    let mut stream = TcpStream::connect(instance.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

#[tokio::test]
async fn every_request_is_in_the_histogram_with_an_example_of_the_slow_ones() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Latency { milliseconds: 700 });
    for workers in ["1", "3"] {
        let instance = Serve::from(&google).flag("--workers", workers).start().await;
        // It waits for the first answer, with its own ID and trace.
        let traced = format!("X-Request-Id: slow-one\r\ntraceparent: 00-{TRACE}-b7ad6b7169203331-01\r\n");
        assert!(get(&instance, "/", &traced).await.starts_with("HTTP/1.1 200"));
        if workers == "1" {
            // Now, before another exemplar of that bucket replaces it.
            let metrics = instance.get("/metrics").await;
            let example = format!(" # {{request_id=\"slow-one\",trace_id=\"{TRACE}\"}} ");
            let held = metrics.text().lines().find_map(|line| line.split_once(&example));
            let (bucket, value) = held.unwrap_or_else(|| panic!("no {example} in {}", metrics.text()));
            assert!(
                bucket.contains("path=\"/\"") && bucket.ends_with("} 1"),
                "{bucket}"
            );
            let most: f64 = bucket.split('"').nth(3).unwrap().parse().unwrap();
            let value: f64 = value.split(' ').next().unwrap().parse().unwrap();
            assert!((0.1..=most).contains(&value), "{bucket}: {value}");
        }
        let mut clients = Vec::new();
        for _ in 0..5 {
            let mut client = instance.connect().await;
            clients.push(tokio::spawn(async move {
                for _ in 0..100 {
                    assert_eq!(client.get("/").await.status(), 200);
                }
            }));
        }
        for client in clients {
            client.await.unwrap();
        }
        instance.get("/nothing").await;
        let name = "wordtally_http_request_duration_seconds";
        for (suffix, expected) in [
            ("_count{path=\"/\"}", 501.0),
            ("_bucket{path=\"/\",le=\"+Inf\"}", 501.0),
            ("_count{path=\"other\"}", 1.0),
        ] {
            assert_eq!(
                instance.metric(&format!("{name}{suffix}")).await,
                Some(expected),
                "{suffix}"
            );
        }
        let fast = instance
            .metric(&format!("{name}_bucket{{path=\"/\",le=\"0.1\"}}"))
            .await;
        // On a busy machine some requests wait, but not most.
        assert!(fast.unwrap() >= 250.0, "{fast:?}");
    }
}

#[tokio::test]
async fn the_process_is_in_the_metrics() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    let value = async |name: &str| instance.metric(name).await.unwrap();
    let before = value("process_open_fds").await;
    let held: Vec<_> = futures(20, async || instance.connect().await).await;
    // Connections that were closed here may still have been open there.
    let more = value("process_open_fds").await - before;
    assert!((18.0..=20.0).contains(&more), "{more}");
    drop(held);
    let resident = value("process_resident_memory_bytes").await;
    assert!((1e6..2e8).contains(&resident), "{resident}");
    assert!(value("process_virtual_memory_bytes").await > resident);
    assert!(value("process_max_fds").await >= 256.0);
    assert!((0.0..60.0).contains(&value("process_cpu_seconds_total").await));
    let started = value("process_start_time_seconds").await;
    // The test has only whole seconds.
    assert!((-1.0..60.0).contains(&(now() as f64 - started)), "{started}");
}

async fn futures<T>(times: usize, make: impl AsyncFn() -> T) -> Vec<T> {
    let mut made = Vec::new();
    for _ in 0..times {
        made.push(make().await);
    }
    made
}

#[tokio::test]
async fn accept_chooses_the_text_of_the_metrics() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    let classic = get(
        &instance,
        "/metrics",
        "Accept: text/plain;version=0.0.4;q=0.6,*/*;q=0.5\r\n",
    )
    .await;
    assert!(
        classic.contains(&format!("\r\ncontent-type: {CLASSIC}\r\n")),
        "{classic}"
    );
    for line in [
        "# TYPE wordtally_http_requests_total counter",
        "wordtally_http_requests_total{path=\"/\",status=\"200\"} 1",
        "# TYPE wordtally_build_info gauge",
        "# TYPE wordtally_http_request_duration_seconds histogram",
        "# TYPE process_cpu_seconds_total counter",
        "# HELP wordtally_log_lines_dropped_total Log lines dropped because standard error was not read.",
    ] {
        assert!(
            classic.lines().any(|found| found == line),
            "no {line} in {classic}"
        );
    }
    for part in ["# EOF", "# UNIT", " # {", "counter_total"] {
        assert!(!classic.contains(part), "{part} in {classic}");
    }
    for accept in [
        "",
        "Accept: */*\r\n",
        "Accept: application/openmetrics-text;q=0.5,text/plain;q=0.4\r\n",
    ] {
        let open = get(&instance, "/metrics", accept).await;
        assert!(
            open.contains(&format!("\r\ncontent-type: {OPEN_METRICS}\r\n")),
            "{open}"
        );
        assert!(
            open.ends_with("\n# EOF\n") && open.contains("# UNIT wordtally_answer_ttl_seconds seconds"),
            "{open}"
        );
    }
}

#[tokio::test]
async fn a_trace_is_in_the_line_of_its_request_if_it_is_a_valid_one() {
    let google = Google::start().await;
    let instance = Serve::from(&google).flag("--log-level", "debug").start().await;
    instance.answer().await;
    let fields = format!("X-Request-Id: good\r\ntraceparent: 00-{TRACE}-b7ad6b7169203331-01\r\n");
    get(&instance, "/", &fields).await;
    get(&instance, "/none", &fields.replace("good", "failed")).await;
    get(
        &instance,
        "/none",
        &fields.replace("good", "forged").replace("-b7", "-\"7"),
    )
    .await;
    for id in ["good", "failed"] {
        let line = instance.logged("request", |line| line["request_id"] == id).await;
        assert_eq!(
            (&line["trace_id"], &line["span_id"]),
            (&TRACE.into(), &"b7ad6b7169203331".into())
        );
    }
    let line = instance
        .logged("request", |line| line["request_id"] == "forged")
        .await;
    assert_eq!((line.get("trace_id"), line.get("span_id")), (None, None));
}

#[tokio::test]
async fn liveness_is_served_under_both_names() {
    let google = Google::start().await;
    google.always(Target::Query, Kind::Reset);
    let instance = Serve::from(&google).start().await;
    for path in ["/livez", "/healthz"] {
        assert_eq!(instance.get(path).await.text(), "ok\n");
    }
    let counted = instance
        .metric("wordtally_http_requests_total{path=\"/livez\",status=\"200\"}")
        .await;
    assert_eq!(counted, Some(1.0));
}

#[tokio::test]
async fn each_step_of_a_refresh_is_timed_and_its_lines_name_it() {
    let google = Google::start().await;
    google.times(1, Target::Query, Kind::Incomplete { polls: 1 });
    let instance = Serve::from(&google)
        .flag("--ttl", "1s")
        .flag("--timeout", "1500ms")
        .start()
        .await;
    instance.answer().await;
    let name = "wordtally_refresh_step_duration_seconds";
    for (step, least) in [("token", 1.0), ("job", 1.0), ("wait", 1.0), ("page", 0.0)] {
        let count = instance.metric(&format!("{name}_count{{step=\"{step}\"}}")).await;
        assert!(count.is_some_and(|count| count >= least), "{step}: {count:?}");
    }
    let job = instance.logged("answer refreshed", |_| true).await["span"]["job"].clone();
    let example = format!(" # {{job_id={job}}} ");
    assert!(
        instance.get("/metrics").await.text().contains(&example),
        "no {example}"
    );

    google.always(Target::Query, Kind::Reset);
    let failed = instance
        .logged("refresh failed", |line| line["span"]["attempt"] == 2)
        .await;
    let id = failed["span"]["refresh_id"].as_str().unwrap();
    assert_eq!((id.len(), &failed["span"]["name"]), (16, &"refresh".into()));
    let again = instance.lines("trying BigQuery again");
    assert!(
        again.iter().any(|line| line["span"]["refresh_id"] == id),
        "{again:#?}"
    );
    assert!(
        again.iter().any(|line| line["span"]["refresh_id"] != id),
        "{again:#?}"
    );
}
