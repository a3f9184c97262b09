//! `CITATION.cff` against the package and the texts that the counts are from.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn fields<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines()
        .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(name))
        .map(|value| value.trim_start_matches(':').trim().trim_matches('"'))
        .collect()
}

#[test]
fn the_citation_has_the_version_and_the_licence() {
    let citation = read("CITATION.cff");
    assert_eq!(fields(&citation, "version:")[0], env!("CARGO_PKG_VERSION"));
    assert_eq!(fields(&citation, "license:"), [env!("CARGO_PKG_LICENSE")]);
}

#[test]
fn the_citation_names_each_package_that_texts_are_from() {
    let citation = read("CITATION.cff");
    let cited: BTreeSet<String> = citation
        .split("  - type: software")
        .skip(1)
        .map(|entry| format!("{}=={}", fields(entry, "title:")[0], fields(entry, "version:")[0]))
        .collect();
    let sources = read("standin/data/sources.txt");
    let used: BTreeSet<String> = sources
        .lines()
        .filter(|line| line.contains("=="))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(cited, used);
}

#[test]
fn the_citation_has_the_size_of_the_table() {
    let citation = read("CITATION.cff");
    let page = read("standin/data/README.md");
    for figure in ["163,982 rows", "941,531 words"] {
        assert!(citation.contains(figure) && page.contains(figure), "{figure}");
    }
}
