//! The commits that docs/seven-rules.md names are those of the repository's history.

use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The first commit of the history.
const FIRST: &str = "78a11b1";

/// The output of git; nothing if it fails or is not installed.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(ROOT)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

#[test]
fn each_commit_that_is_named_has_its_subject() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/seven-rules.md")).unwrap();
    let (_, table) = page
        .split_once("| commit | subject | what it decided |\n|---|---|---|\n")
        .unwrap();
    let commits: Vec<Vec<&str>> = table
        .lines()
        .map_while(|line| line.strip_prefix("| "))
        .map(|row| row.split(" | ").map(|cell| cell.trim_matches('`')).collect())
        .collect();
    assert_eq!(commits.len(), 10);
    // An archive, a shallow clone and an imported tree do not have the history.
    let whole = git(&["rev-parse", "--is-shallow-repository"]).as_deref() == Some("false");
    if !whole || git(&["cat-file", "-e", &format!("{FIRST}^{{commit}}")]).is_none() {
        println!("NOT RUN: this is not a whole clone");
        return;
    }
    for commit in commits {
        let subject = git(&["log", "-1", "--format=%s", commit[0]]);
        assert_eq!(subject.as_deref(), Some(commit[1]), "{}", commit[0]);
    }
}
