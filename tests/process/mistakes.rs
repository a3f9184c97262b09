//! Common mistakes on the command line: each gives one line that says what is wrong, where, and what would be right.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::program::program;

/// Runs a command, which must fail with this code and one line.
fn said(command: &mut Command, code: i32) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.env_clear().output().unwrap();
    let line = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{command:?}: {line}");
    assert_eq!(line.lines().count(), 1, "{command:?}: {line}");
    assert!(stdout.is_empty(), "{command:?}");
    let sentence = line.trim_end().strip_prefix("wordtally: ");
    sentence.unwrap_or_else(|| panic!("{line}")).to_owned()
}

/// The error of a command line that is refused before anything listens.
fn refused(line: &str) -> String {
    said(Command::new(program()).args(line.split(' ')), 2)
}

/// A command of the stand-in. The released program has none, so this is cargo's own build.
fn standin(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordtally"));
    command.args(line.split(' '));
    command
}

#[test]
fn a_misspelt_name_is_reported_with_the_right_one() {
    for (line, sentence) in [
        (
            "sevre",
            "unknown command 'sevre': did you mean 'serve'? See --help",
        ),
        ("count", "unknown command 'count': expected one that --help lists"),
        (
            "serve --wrod the",
            "unknown flag '--wrod': did you mean '--word'? See --help",
        ),
        (
            "check --word the --max-stael 1h",
            "unknown flag '--max-stael': did you mean '--max-stale'? See --help",
        ),
        (
            "serve --quiet",
            "unknown flag '--quiet': expected one that --help lists",
        ),
        (
            "check --word the --log-level inof",
            "--log-level: invalid log level 'inof': expected error, warn, info or debug",
        ),
        (
            "check --word the --log-format pretty",
            "--log-format: invalid log format 'pretty': expected json or text",
        ),
    ] {
        assert_eq!(refused(line), sentence);
    }
    assert_eq!(
        said(&mut standin("standin sevre"), 2),
        "unknown command 'sevre': did you mean 'serve'? See --help"
    );
}

#[test]
fn missing_and_superfluous_arguments_are_named() {
    for (line, sentence) in [
        (
            "serve",
            "missing --word: expected the flag or its variable, see --help",
        ),
        (
            "index",
            "missing --site: expected the flag or its variable, see --help",
        ),
        (
            "probe",
            "missing <URL>: expected it after the command, see --help",
        ),
        ("serve --word", "--word: expected a value after it, see --help"),
        (
            "serve --word the --word love",
            "--word: given more than once, expected it once",
        ),
        (
            "serve --word two words",
            "unexpected 'words': expected nothing more here; a value with spaces goes in quotes, e.g. --word 'two words'",
        ),
    ] {
        assert_eq!(refused(line), sentence);
    }
    assert_eq!(
        said(&mut standin("standin keygen --email a@b --out key.json"), 2),
        "missing --project, --public: expected the flag, see --help"
    );
}

#[test]
fn an_invalid_value_is_reported_with_a_valid_example() {
    for (line, sentence) in [
        (
            "--ttl 300",
            "--ttl: invalid duration '300': expected a number with its unit, e.g. 30s, 5m or 24h",
        ),
        (
            "--ttl 2h --max-stale 1h",
            "--max-stale is shorter than --ttl: expected it to be at least as long",
        ),
        (
            "--workers 0",
            "--workers: invalid number '0': expected 1 to 64, in digits only",
        ),
        (
            "--maximum-bytes-billed 1GB",
            "--maximum-bytes-billed: invalid number '1GB': expected 1 to 9223372036854775807, in digits only",
        ),
        (
            "--table `bigquery-public-data.samples.shakespeare`",
            "--table: invalid table '`bigquery-public-data.samples.shakespeare`': expected project.dataset.table without \
             quotes, e.g. bigquery-public-data.samples.shakespeare",
        ),
        (
            "--bigquery-endpoint bigquery.googleapis.com",
            "--bigquery-endpoint: invalid BigQuery endpoint 'bigquery.googleapis.com': expected an http or https address \
             without user, query or fragment, e.g. https://bigquery.googleapis.com",
        ),
        (
            "--bigquery-endpoint http://bigquery.googleapis.com",
            "--bigquery-endpoint: invalid BigQuery endpoint 'http://bigquery.googleapis.com': it would carry the access \
             token in the clear, expected https, or http on a loopback or private address",
        ),
        (
            "--listen 8080",
            "--listen: invalid listen address '8080': expected an IP address and port, e.g. 127.0.0.1:8080, \
             localhost:8080 or [::]:8080, or unix:/path",
        ),
    ] {
        assert_eq!(refused(&format!("check --word the {line}")), sentence);
    }
    assert_eq!(
        said(&mut standin("demo --listen unix:/run/demo.sock"), 2),
        "--listen: invalid listen address 'unix:/run/demo.sock': expected an IP address and port, e.g. 127.0.0.1:8080, \
         localhost:8080 or [::]:8080"
    );
    assert_eq!(
        said(Command::new(program()).args(["probe", "localhost:8080"]), 1),
        "invalid address to probe 'localhost:8080': expected http://host:port/path or unix:/path/to/socket:/path, e.g. \
         http://127.0.0.1:8080/readyz"
    );
}

#[test]
fn a_wrong_file_is_named_with_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("text"), "not JSON").unwrap();
    std::fs::write(path("other.json"), "{\"type\":\"person\"}").unwrap();
    for (name, what) in [
        ("none", "does not exist: expected the path of a credential file"),
        (
            "",
            "is not a regular file: expected the path of a credential file",
        ),
        (
            "text",
            "is not JSON (line 1, column 2): expected the key file as Google Cloud wrote it",
        ),
        (
            "other.json",
            "has no known 'type': expected service_account, authorized_user, external_account or \
             impersonated_service_account",
        ),
    ] {
        let path = path(name);
        let sentence = refused(&format!("check --word the --credentials {path}"));
        assert_eq!(sentence, format!("the credential file '{path}' {what}"));
    }
    for (flag, sentence) in [
        (
            "--data",
            "cannot read the table {}: No such file or directory (os error 2): expected the path of a table file in --data",
        ),
        (
            "--iam",
            "cannot read the IAM file {}: No such file or directory (os error 2): expected the path of a JSON file in --iam",
        ),
    ] {
        let path = path("none");
        let mut command = standin(&format!("standin serve --listen 127.0.0.1:0 {flag} {path}"));
        assert_eq!(said(&mut command, 1), sentence.replace("{}", &path));
    }
    let (there, new) = (path("text"), path("new"));
    let keygen = format!("standin keygen --email a@b --project p --out {there} --public {new}");
    assert_eq!(
        said(&mut standin(&keygen), 1),
        format!(
            "cannot write {there}: File exists (os error 17): expected the path of a new file in an existing folder"
        )
    );
}

/// The last line of `serve` on an address that it cannot use. No request has been sent to Google then.
fn unheard(listen: &str, wrapper: &[&str]) -> String {
    let mut words: Vec<std::ffi::OsString> = wrapper.iter().map(Into::into).collect();
    words.push(program());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear();
    command.args([
        "serve",
        "--word=the",
        "--project=p",
        "--log-format=text",
        "--log-level=error",
        "--bigquery-endpoint=http://127.0.0.1:1",
    ]);
    let output = command
        .arg(format!("--listen={listen}"))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GCE_METADATA_HOST", "127.0.0.1:1")
        .output()
        .unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    let sentence = line
        .trim_end()
        .strip_prefix(&format!("wordtally: cannot listen on {listen}: "));
    sentence.unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[test]
fn an_unavailable_address_is_reported_with_an_alternative() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(
        unheard(&taken.local_addr().unwrap().to_string(), &[]),
        "Address already in use (os error 98): stop the process that uses the port, or choose another with --listen"
    );
    // An address that is reserved for documentation, and that no machine has.
    assert_eq!(
        unheard("192.0.2.77:8080", &[]),
        "Cannot assign requested address (os error 99): expected an address of this machine in --listen, e.g. \
         127.0.0.1:8080 or 0.0.0.0:8080"
    );
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        unheard(&format!("unix:{}/none/the.sock", folder.path().display()), &[]),
        "No such file or directory (os error 2): expected an existing folder in --listen"
    );
}

/// Root may do all of it, unless its capabilities are dropped.
fn without_rights() -> Option<&'static [&'static str]> {
    let root = std::fs::read_to_string("/proc/self/status").unwrap();
    let root = root
        .lines()
        .any(|line| line.split_whitespace().take(3).eq(["Uid:", "0", "0"]));
    if !root {
        return Some(&[]);
    }
    let there = Command::new("setpriv").arg("--version").output().is_ok();
    there.then_some(&[
        "setpriv",
        "--bounding-set=-net_bind_service,-dac_override,-dac_read_search",
    ])
}

#[test]
fn an_address_that_needs_a_privilege_is_reported_with_an_alternative() {
    let Some(wrapper) = without_rights() else {
        println!("NOT RUN: root's rights cannot be taken away without setpriv");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
    assert_eq!(
        unheard(&format!("unix:{}/the.sock", folder.path().display()), wrapper),
        "Permission denied (os error 13): expected a folder in --listen that the service's user may write to"
    );
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if first.trim().parse::<u16>().unwrap() <= 80 {
        println!("NOT RUN: on this machine anybody may listen on port 80");
        return;
    }
    assert_eq!(
        unheard("127.0.0.1:80", wrapper),
        "Permission denied (os error 13): a port below 1024 needs CAP_NET_BIND_SERVICE, choose another with \
         --listen"
    );
}

#[test]
fn a_command_that_has_commands_shows_them() {
    let output = standin("standin").env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let help = String::from_utf8(output.stderr).unwrap();
    for part in ["Usage: wordtally standin <COMMAND>", "  serve ", "  keygen "] {
        assert!(help.contains(part), "{part} in {help}");
    }
}

#[test]
fn the_version_has_its_commit() {
    let output = Command::new(program())
        .env_clear()
        .arg("--version")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let line = String::from_utf8(output.stdout).unwrap();
    let commit = line
        .trim_end()
        .strip_prefix(concat!("wordtally ", env!("CARGO_PKG_VERSION"), " (commit "))
        .and_then(|rest| rest.strip_suffix(')'));
    let commit = commit.unwrap_or_else(|| panic!("{line}"));
    assert!(
        commit == "unknown" || commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{line}"
    );
}
