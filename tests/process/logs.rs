//! The lines at each log level. No secret is logged, or appears anywhere else that others can read.

use std::io::Read;
use std::time::Duration;

use bigquery_standin::faults::{Kind, Target};
use rustix::pty::OpenptFlags;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::google::*;
use crate::instance::*;
use crate::program::program;

#[tokio::test]
async fn a_log_level_leaves_out_what_is_below_it() {
    let google = Google::start().await;
    for (level, good_requests) in [("info", 0), ("debug", 1)] {
        let instance = Serve::from(&google).flag("--log-level", level).start().await;
        instance.answer().await;
        instance.get("/nothing").await;
        instance.logged("request", |line| line["status"] == 404).await;
        let mut requests = instance.lines("request");
        requests.retain(|line| line["status"] == 200);
        assert_eq!(requests.len().min(1), good_requests, "{level}");
    }
    google.always(Target::Token, Kind::Reset);
    let mut command = binary();
    Serve::from(&google)
        .flag("--log-level", "warn")
        .flag("--timeout", "300ms")
        .apply(&mut command);
    let instance = Instance::unseen(command);
    instance
        .logged("refresh failed", |line| line["level"] == "WARN")
        .await;
    let log = instance.stop().await;
    assert!(log.iter().all(|line| !line.contains("\"INFO\"")), "{log:#?}");
}

#[tokio::test]
async fn requests_whose_heads_cannot_be_read_have_lines_under_the_same_budget() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    for _ in 0..40 {
        let mut stream = TcpStream::connect(instance.address()).await.unwrap();
        stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let line = instance.logged("request", |line| line["status"] == 400).await;
        assert_eq!((&line["method"], &line["path"]), (&"-".into(), &"-".into()));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let lines = instance.lines("request").len();
    assert!((10..=30).contains(&lines), "{lines} lines for 40 requests");
    let id = instance.lines("request")[0]["request_id"].clone();
    assert_eq!(id.as_str().unwrap().len(), 16);
    let counted = r#"wordtally_http_requests_total{path="other",status="400"}"#;
    assert_eq!(instance.metric(counted).await, Some(40.0));
}

/// The output in the text format of an instance that has its credential but not its address, optionally on a terminal.
fn said_as_text(terminal: bool, environment: &[(&str, &str)]) -> String {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = std::process::Command::new(program());
    command
        .env_clear()
        .env("GCE_METADATA_HOST", "127.0.0.1:1")
        .envs(environment.iter().copied())
        .args(["serve", "--word=two words", "--project=p", "--log-format=text"])
        .arg("--bigquery-endpoint=http://127.0.0.1:1")
        .arg(format!("--listen={}", taken.local_addr().unwrap()));
    if !terminal {
        return String::from_utf8(command.output().unwrap().stderr).unwrap();
    }
    let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
    let theirs = std::fs::File::options()
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut child = command.stderr(theirs).spawn().unwrap();
    // This drops the last copy of their end, except for the child's.
    drop(command);
    let mut said = Vec::new();
    // On Linux the end of a terminal is an error, after all of the output.
    let _ = std::fs::File::from(ours).read_to_end(&mut said);
    assert_eq!(child.wait().unwrap().code(), Some(2));
    String::from_utf8(said).unwrap().replace("\r\n", "\n")
}

#[test]
fn text_has_quotes_and_on_a_terminal_colours_unless_they_are_refused() {
    let credential =
        "found the credential credential=\"the metadata server at http://127.0.0.1:1/\" project=\"p\"\n";
    for (terminal, environment, coloured) in [
        (false, &[][..], false),
        (true, &[], true),
        (true, &[("NO_COLOR", "")], true),
        (true, &[("NO_COLOR", "1")], false),
    ] {
        let said = said_as_text(terminal, environment);
        assert!(said.contains(credential), "{said}");
        assert_eq!(
            said.contains("\u{1b}[32m INFO\u{1b}[0m wordtally::bigquery: "),
            coloured,
            "{said:?}"
        );
        assert_eq!(said.contains('\u{1b}'), coloured, "{said:?}");
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("wordtally: cannot listen on "), "{said}");
    }
}

#[tokio::test]
async fn the_cause_names_the_address_that_refused() {
    // Nothing listens on port 1.
    let google = Google::start().await;
    let deaf = Serve::from(&google).flag("--bigquery-endpoint", "http://127.0.0.1:1");
    let orphan = google.file("orphan.json", &key().to_json("http://127.0.0.1:1/token"));
    let lost = Serve::from(&google).flag("--credentials", orphan);
    for (serve, told) in [
        (deaf, "BigQuery cannot be reached at http://127.0.0.1:1"),
        (lost, "the token server cannot be reached at http://127.0.0.1:1"),
    ] {
        // On a busy machine a refresh may end before the attempts for a token have; then the next one logs it.
        let instance = serve.flag("--timeout", "3s").start().await;
        let named = |line: &Value| line["cause"].as_str().unwrap().contains(told);
        instance.logged("refresh failed", named).await;
    }
}

/// Runs an instance in this process with every possible log line, which no flag of `serve` enables.
#[tokio::test]
#[ignore = "run by the test below, with an instance's configuration in its environment"]
async fn child_that_logs_everything() {
    use wordtally::config::{Config, LogFormat, LogLevel};
    use wordtally::instance::Instance;
    let variable = |name| std::env::var(name).unwrap();
    wordtally::telemetry::init(LogFormat::Json, tracing::level_filters::LevelFilter::TRACE).unwrap();
    let config = Config {
        word: "the".parse().unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        project: None,
        table: "bigquery-public-data.samples.shakespeare".parse().unwrap(),
        location: None,
        credentials: Some(variable("CREDENTIALS").into()),
        bigquery_endpoint: variable("BIGQUERY_ENDPOINT").parse().unwrap(),
        ttl: Duration::from_millis(300),
        max_stale: Duration::from_secs(60),
        cors_origins: Vec::new(),
        timeout: Duration::from_secs(2),
        maximum_bytes_billed: 100 << 20,
        workers: 1,
        site: None,
        log_format: LogFormat::Json,
        log_level: LogLevel::Debug,
    };
    let instance = Instance::open(config).await.unwrap();
    instance
        .serve(wordtally::shutdown::requested().unwrap())
        .await
        .unwrap();
}

/// Each line of the private key that is long enough to be secret, and the beginning of every access token.
fn secrets() -> Vec<String> {
    let file: serde_json::Value = serde_json::from_str(&key().to_json("http://x/token")).unwrap();
    let pem = file["private_key"].as_str().unwrap();
    let mut secrets: Vec<String> = pem
        .lines()
        .filter(|line| line.len() >= 60)
        .map(str::to_owned)
        .collect();
    assert!(secrets.len() > 20, "a key has more lines");
    // The stand-in's tokens; and an assertion, whose header is the same each time.
    secrets.extend([
        "ya29.standin.".to_owned(),
        "PRIVATE KEY".to_owned(),
        "eyJ".to_owned(),
    ]);
    secrets
}

fn holds_no_secret(what: &str, text: &str) {
    for secret in secrets() {
        assert!(!text.contains(&secret), "{what} holds {secret}");
    }
}

#[tokio::test]
async fn no_secret_is_in_the_chattiest_log() {
    let google = Google::start().await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "logs::child_that_logs_everything",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("CREDENTIALS", google.key_file())
        .env("BIGQUERY_ENDPOINT", google.standin.url())
        .kill_on_drop(true);
    let instance = Instance::spawn(command).await;
    instance.answer().await;
    // Everything that handles a token: a refused one, a new one, one that cannot be fetched.
    google.standin.revoke_all().unwrap();
    instance
        .logged("BigQuery refused the access token: taking a new one", |_| true)
        .await;
    google.always(Target::Token, Kind::MalformedJson);
    google.standin.revoke_all().unwrap();
    instance.logged("refresh failed", |_| true).await;
    let log = instance.stop().await;
    assert!(
        log.iter()
            .any(|line| line.contains("\"TRACE\"") && line.contains("hyper")),
        "that was not the chattiest level"
    );
    holds_no_secret("the log", &log.join("\n"));
}

#[tokio::test]
async fn no_secret_is_in_the_arguments_the_environment_or_the_log_of_the_binary() {
    let google = Google::start().await;
    let instance = Serve::from(&google).start().await;
    instance.answer().await;
    for name in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{}/{name}", instance.pid())).unwrap();
        holds_no_secret(name, &String::from_utf8_lossy(&bytes));
    }
    holds_no_secret("the metrics", instance.get("/metrics").await.text());
    holds_no_secret("the log", &instance.stop().await.join("\n"));
}

#[test]
#[ignore = "run by the test below"]
fn child_that_panics() {
    use wordtally::config::LogFormat;
    wordtally::telemetry::init(LogFormat::Json, tracing::level_filters::LevelFilter::INFO).unwrap();
    let panicked = std::thread::spawn(|| panic!("of two\nlines, with ya29.a-token-of-Googles")).join();
    assert!(panicked.is_err());
    wordtally::telemetry::flush();
}

#[tokio::test]
async fn a_panic_is_a_line_of_the_log_like_any_other() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "logs::child_that_panics", "--ignored", "--nocapture"]);
    let (code, said) = run(&mut command).await;
    assert_eq!(code, Some(0));
    let lines: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert_eq!(lines[0]["message"], "a panic");
    assert_eq!(lines[0]["cause"], "of two\nlines, with [redacted]");
    assert!(lines[0]["place"].as_str().unwrap().contains("logs.rs:"), "{said}");
}
