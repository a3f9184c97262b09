//! The threat model and the page on the seven rules: each row that claims something names a test that holds it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::pages::has_test;

const CLAIMS: [&str; 2] = ["docs/seven-rules.md", "docs/explanation/threat-model.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The last cell of each row, in the tables whose last column is headed `test` or `proof`.
fn proofs(page: &str) -> Vec<(&str, &str)> {
    let mut proven = false;
    let mut found = Vec::new();
    for (line, next) in page.lines().zip(page.lines().skip(1)) {
        let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            continue;
        };
        let last = row.rsplit(" | ").next().unwrap_or_default();
        if next.starts_with("|---") {
            proven = matches!(last, "test" | "proof");
        } else if proven {
            found.push((line, last));
        }
    }
    found
}

/// Each link's label and target.
fn links(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("](")
        .zip(text.split("](").skip(1))
        .map(|(before, after)| {
            let label = before.rsplit('[').next().unwrap_or_default();
            (
                label.trim_matches('`'),
                after.split(')').next().unwrap_or_default(),
            )
        })
}

#[test]
fn every_claim_names_its_test() {
    for path in CLAIMS {
        let page = fs::read_to_string(root().join(path)).unwrap();
        let proofs = proofs(&page);
        assert!(proofs.len() > 5, "{path}: only {} claims", proofs.len());
        for (row, proof) in proofs {
            let named = links(proof).count();
            assert!(named > 0, "{path} names no test or check in: {row}");
        }
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut found = 0;
    for path in CLAIMS {
        let page = fs::read_to_string(root().join(path)).unwrap();
        let folder = root().join(path).parent().unwrap().to_owned();
        for (label, target) in links(&page) {
            let file = folder.join(target);
            if target.contains(['#', ':']) || !label.contains('_') || label.contains(['.', '/', ' ']) {
                continue;
            }
            if !file.is_file() {
                // The flake's check has a part of the tree. With all of it, the test of the links would fail.
                println!("NOT RUN: {target} is not here");
                continue;
            }
            assert_ne!(
                has_test(&file, label),
                Some(false),
                "{path}: {target} has no test {label}"
            );
            found += 1;
        }
    }
    assert!(found > 30, "only {found} tests were found");
}
