//! Every value is checked before anything listens: an invalid one gives one clear line and exit code 2.

use std::process::{Command, Output};

use crate::program::program;

fn wordtally(args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program());
    command.env_clear().args(args).envs(environment.iter().copied());
    command.output().unwrap()
}

/// The one line on standard error of a refused command.
fn refusal(args: &[&str], environment: &[(&str, &str)]) -> String {
    let output = wordtally(args, environment);
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?} {environment:?}: {line}");
    assert_eq!(line.lines().count(), 1, "{args:?}: {line}");
    assert!(output.stdout.is_empty());
    line.trim_end().to_owned()
}

#[test]
fn a_good_configuration_passes() {
    let metadata = [("GCE_METADATA_HOST", "127.0.0.1:1")];
    let output = wordtally(&["check", "--word", "the", "--project", "p"], &metadata);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = wordtally(
        &["check"],
        &[("WORD", "the"), ("PROJECT", "p"), ("LISTEN", "unix:/run/x.sock")],
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn words_may_hold_anything_that_bigquery_can_match() {
    for word in [
        "it's",
        "\"",
        "two words",
        "100%",
        "$HOME",
        "a\\b",
        "naïve",
        "世界",
        "🦀",
        "<b>",
        "-",
        "--word",
        "'; DROP TABLE",
    ] {
        let output = wordtally(&["check", &format!("--word={word}")], &[]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{word}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn bad_words_are_refused() {
    assert_eq!(
        refusal(&["serve"], &[]),
        "wordtally: missing --word: expected the flag or its variable, see --help"
    );
    assert_eq!(
        refusal(&["serve"], &[("WORD", "")]),
        "wordtally: --word: invalid word '': expected the word to count, e.g. 'the'"
    );
    assert_eq!(
        refusal(&["serve", "--word", &"x".repeat(257)], &[]),
        "wordtally: --word: invalid word of 257 bytes: expected at most 256 bytes"
    );
    for word in ["a\nb", "a\u{7f}b", "a\u{85}b"] {
        assert_eq!(
            refusal(&["serve", "--word", word], &[]),
            "wordtally: --word: invalid word: character 2 is a control character, expected printable text"
        );
    }
}

#[test]
fn a_word_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let mut command = Command::new(program());
    command
        .env_clear()
        .arg("check")
        .env("WORD", std::ffi::OsStr::from_bytes(b"caf\xe9"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
}

#[test]
fn every_bad_value_names_its_flag_and_what_would_be_right() {
    let table = [
        ("--listen", "8080", "an IP address and port, e.g. 127.0.0.1:8080"),
        ("--listen", "example.com:80", "an IP address and port"),
        ("--listen", "unix:relative.sock", "an absolute path"),
        ("--project", "no spaces", "my-project-123"),
        ("--project", "../x", "my-project-123"),
        ("--table", "shakespeare", "project.dataset.table"),
        ("--table", "p.d.t` WHERE true --", "project.dataset.table"),
        ("--table", "p.d.", "project.dataset.table"),
        ("--location", "E U", "US, EU or europe-west3"),
        (
            "--bigquery-endpoint",
            "bigquery.googleapis.com",
            "https://bigquery.googleapis.com",
        ),
        ("--bigquery-endpoint", "ftp://x", "http or https"),
        ("--bigquery-endpoint", "https://user:secret@x", "without user"),
        (
            "--bigquery-endpoint",
            "http://bigquery.example.com",
            "in the clear",
        ),
        ("--bigquery-endpoint", "http://standin:9050", "in the clear"),
        ("--bigquery-endpoint", "http://bigquery.internal", "in the clear"),
        ("--bigquery-endpoint", "http://[::ffff:8.8.8.8]", "in the clear"),
        ("--ttl", "300", "with its unit"),
        ("--ttl", "0s", "more than 0s"),
        ("--ttl", "-5m", "with its unit"),
        ("--ttl", "100y", "at most 366d"),
        ("--max-stale", "soon", "with its unit"),
        ("--cors-origin", "example.com", "as a browser sends them"),
        ("--timeout", "0ms", "more than 0s"),
        ("--maximum-bytes-billed", "0", "expected 1 to "),
        ("--maximum-bytes-billed", "1GB", "in digits only"),
        ("--workers", "0", "expected 1 to 64"),
        ("--workers", "65", "expected 1 to 64"),
        ("--log-format", "xml", "json or text"),
        ("--log-level", "loud", "error, warn, info or debug"),
    ];
    for (flag, value, right) in table {
        let line = refusal(&["check", "--word=the", &format!("{flag}={value}")], &[]);
        assert!(
            line.starts_with(&format!("wordtally: {flag}: ")),
            "{flag}={value}: {line}"
        );
        assert!(line.contains(right), "{flag}={value}: {line}");
        let variable = flag.trim_start_matches('-').replace('-', "_").to_uppercase();
        assert_eq!(
            refusal(&["check", "--word=the"], &[(&variable, value)]),
            line,
            "{variable}"
        );
    }
}

#[test]
fn a_bad_credential_file_is_named() {
    let sentence =
        "the credential file '/nonexistent/key.json' does not exist: expected the path of a credential file";
    let file = [("CREDENTIALS", "/nonexistent/key.json")];
    for arguments in [
        &["check", "--word=the", "--credentials=/nonexistent/key.json"][..],
        &["serve", "--word=the", "--log-format=text"],
    ] {
        assert_eq!(refusal(arguments, &file), format!("wordtally: {sentence}"));
    }
    let line: serde_json::Value = serde_json::from_str(&refusal(&["serve", "--word=the"], &file)).unwrap();
    assert_eq!(line["cause"], sentence, "the log has begun");
}

#[test]
fn the_last_line_is_in_the_format_that_was_asked_for_whatever_else_is_wrong() {
    let sentence = "missing --word: expected the flag or its variable, see --help";
    for (arguments, environment) in [
        (&["serve", "--log-format", "json"][..], &[][..]),
        (&["serve", "--log-format=json"], &[("LOG_FORMAT", "text")]),
        (&["serve"], &[("LOG_FORMAT", "json")]),
    ] {
        let line: serde_json::Value = serde_json::from_str(&refusal(arguments, environment)).unwrap();
        assert_eq!(line["level"], "ERROR", "{line}");
        assert_eq!(line["message"], "fatal", "{line}");
        assert_eq!(line["cause"], sentence, "{line}");
        assert_eq!(line["target"], "wordtally", "{line}");
    }
    for (arguments, environment) in [
        (&["serve"][..], &[][..]),
        (&["serve", "--log-format", "text"], &[("LOG_FORMAT", "json")]),
        (&["serve"], &[("LOG_FORMAT", "jsno")]),
    ] {
        assert!(
            refusal(arguments, environment).starts_with("wordtally: "),
            "{arguments:?}"
        );
    }
}

#[test]
fn values_alone_can_be_checked_where_there_is_no_credential_and_no_certificate() {
    let build = [
        ("CREDENTIALS", "/nonexistent/key.json"),
        ("SSL_CERT_FILE", "/nonexistent/certificates"),
        ("SSL_CERT_DIR", "/nonexistent"),
    ];
    let output = wordtally(&["check", "--word=the", "--values-only"], &build);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let line = refusal(
        &[
            "check",
            "--word=the",
            "--values-only",
            "--ttl=2h",
            "--max-stale=1h",
        ],
        &build,
    );
    assert!(line.contains("--max-stale is shorter"), "{line}");
    let line = refusal(&["check", "--word=the"], &build[1..]);
    assert!(line.contains("needs CA certificates"), "{line}");
}

#[test]
fn an_empty_variable_counts_as_none() {
    let empty = [
        ("LISTEN", ""),
        ("PROJECT", ""),
        ("TABLE", ""),
        ("LOCATION", ""),
        ("CREDENTIALS", ""),
        ("BIGQUERY_ENDPOINT", ""),
        ("TTL", ""),
        ("MAX_STALE", ""),
        ("TIMEOUT", ""),
        ("MAXIMUM_BYTES_BILLED", ""),
        ("WORKERS", ""),
        ("LOG_FORMAT", ""),
        ("LOG_LEVEL", ""),
    ];
    let output = wordtally(&["check", "--word=the"], &empty);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let line = refusal(&["check", "--word=the", "--location="], &[]);
    assert!(
        line.contains("invalid location ''"),
        "an empty flag is meant: {line}"
    );
}

#[test]
fn a_line_stays_one_whatever_is_in_the_value() {
    assert_eq!(
        refusal(&["check", "--word=the", "--ttl=5m\n\u{1b}[31m"], &[]),
        "wordtally: --ttl: invalid duration '5m\\n\\u{1b}[31m': expected a number with its unit, e.g. 30s, 5m or 24h"
    );
    refusal(&["check", "--word=the", "--wr\nod"], &[]);
}

#[test]
fn the_exit_code_tells_when_nobody_reads_the_line() {
    let mut command = Command::new(program());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = command.env_clear().arg("serve").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    assert_eq!(
        refusal(&["check", "--word=the", "--ttl=2h", "--max-stale=1h"], &[]),
        "wordtally: --max-stale is shorter than --ttl: expected it to be at least as long"
    );
}

#[test]
fn the_former_names_of_max_stale_still_count() {
    let shorter = "wordtally: --max-stale is shorter than --ttl: expected it to be at least as long";
    let check = ["check", "--word=the", "--ttl=2h"];
    let flag = ["check", "--word=the", "--ttl=2h", "--stale=1h"];
    assert_eq!(refusal(&flag, &[]), shorter);
    assert_eq!(refusal(&check, &[("STALE", "1h")]), shorter);
    assert_eq!(refusal(&check, &[("STALE", "1h"), ("MAX_STALE", "")]), shorter);
    assert_eq!(refusal(&check, &[("STALE", "3h"), ("MAX_STALE", "1h")]), shorter);
    let help = String::from_utf8(wordtally(&["serve", "--help"], &[]).stdout).unwrap();
    assert!(!help.contains("--stale"), "{help}");
}

#[test]
fn an_unknown_flag_is_one_line() {
    assert!(refusal(&["serve", "--wrod", "the"], &[]).contains("--wrod"));
    assert!(refusal(&["sevre"], &[]).contains("sevre"));
}

#[test]
fn help_and_version_are_not_errors() {
    for flag in ["--help", "--version"] {
        let output = wordtally(&[flag], &[]);
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.is_empty());
    }
    let help = String::from_utf8(wordtally(&["serve", "--help"], &[("WORD", "hush")]).stdout).unwrap();
    for variable in [
        "WORD",
        "LISTEN",
        "PROJECT",
        "TABLE",
        "LOCATION",
        "CREDENTIALS",
        "BIGQUERY_ENDPOINT",
        "TTL",
        "MAX_STALE",
        "CORS_ORIGIN",
    ] {
        assert!(help.contains(&format!("[env: {variable}")), "{variable}");
    }
}
