//! The glossary against the table of names in CONTRIBUTING.md.

use std::fs;
use std::path::Path;

/// The rows of a table under this header, as cells.
fn rows<'p>(page: &'p str, header: &str) -> Vec<Vec<&'p str>> {
    let (_, table) = page
        .split_once(header)
        .unwrap_or_else(|| panic!("no table '{header}'"));
    table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").map(str::trim).collect())
        .collect()
}

#[test]
fn every_name_is_explained_and_the_terms_are_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/glossary.md")).unwrap();
    let entries = rows(&page, "| term | meaning | more |");
    let terms: Vec<&str> = entries.iter().map(|row| row[0]).collect();
    assert!(terms.len() > 30, "{terms:?}");
    assert!(
        terms.is_sorted_by_key(|term| term.to_lowercase()),
        "not in the alphabet's order: {terms:?}"
    );
    for entry in &entries {
        let [term, meaning, more] = entry[..] else {
            panic!("not three cells: {entry:?}");
        };
        assert!(meaning.ends_with('.'), "{term}: not a sentence: {meaning}");
        assert!(more.contains("]("), "{term}: no link: {more}");
    }
    let Ok(names) = fs::read_to_string(root.join("CONTRIBUTING.md")) else {
        // The flake's check has a part of the tree.
        println!("NOT RUN: CONTRIBUTING.md is not here");
        return;
    };
    for name in rows(&names, "| say | for | not |") {
        assert!(terms.contains(&name[0]), "'{}' is not explained", name[0]);
    }
}
