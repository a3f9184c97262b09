//! The shipped table is the one that `count_words` made, and as close to BigQuery's as `standin/data/README.md` says.

use std::path::Path;

use bigquery_standin::data::load;

use crate::comparison::Comparison;
use crate::support::{ask, database};

const README: &str = include_str!("../../data/README.md");

#[test]
fn the_totals_are_known() {
    let table = &database().tables()[0];
    assert_eq!(
        (table.rows, table.bytes, table.location.as_str()),
        (163_982, 6_407_023, "US")
    );
    let names: Vec<_> = table
        .columns
        .iter()
        .map(|c| format!("{} {}", c.name, c.kind.sql_name()))
        .collect();
    assert_eq!(
        names.join(", "),
        "word STRING, word_count INT64, corpus STRING, corpus_date INT64"
    );
    let sums =
        "SELECT COUNT(*), SUM(word_count), COUNT(DISTINCT corpus), SUM(corpus_date) FROM samples.shakespeare";
    let answer = ask(sums).unwrap();
    assert!(answer[0].starts_with("163982|941531|42|"), "{answer:?}");
}

#[test]
fn every_word_is_one_and_occurs_once() {
    let doubles = "SELECT word, corpus FROM samples.shakespeare GROUP BY 1, 2 HAVING COUNT(*) > 1";
    assert_eq!(ask(doubles).unwrap(), [""; 0]);
    let odd =
        "SELECT word FROM samples.shakespeare WHERE word_count < 1 OR word LIKE '% %' OR word = '' LIMIT 5";
    assert_eq!(ask(odd).unwrap(), [""; 0]);
}

/// A row of the tables on the page: what is counted, BigQuery's total, and that of the shipped table.
fn published(heading: &str) -> Vec<(&'static str, i64, i64)> {
    let head = format!("| {heading} | BigQuery | here | difference |\n");
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let number = |cell: usize| cells[cell].parse::<i64>().unwrap_or_else(|_| panic!("{line}"));
        (cells[1], number(2), number(3))
    };
    let tables = README.split(&head).skip(1);
    let lines = tables.flat_map(|table| table.lines().skip(1).take_while(|line| line.starts_with('|')));
    lines.map(row).collect()
}

/// Needs nothing from BigQuery but the published totals.
#[test]
fn every_corpus_has_about_as_many_words_as_bigquerys() {
    let corpora = published("corpus");
    assert_eq!(corpora.len(), 42);
    for (corpus, theirs, here) in corpora {
        let sql = format!("SELECT SUM(word_count) FROM samples.shakespeare WHERE corpus = '{corpus}'");
        assert_eq!(ask(&sql).unwrap(), [here.to_string()], "{corpus}");
        let permille = match corpus {
            // Some of its poems are in no package.
            "various" => 230,
            // So are its dedication and some of its lines.
            "venusandadonis" => 30,
            _ => 20,
        };
        assert!(
            (here - theirs).abs() * 1000 <= theirs * permille,
            "{corpus}: {here} for {theirs}"
        );
    }
}

#[test]
fn the_published_totals_of_words_are_those_of_the_table() {
    let words = published("word");
    for name in ["the", "love", "Romeo", "ROMEO", "OPHELIA"] {
        assert!(words.iter().any(|(word, ..)| *word == name), "{name}");
    }
    let far = words
        .iter()
        .filter(|(_, theirs, here)| (here - theirs).abs() * 10 > *theirs);
    assert!(far.count() <= 40, "2 % of the 2,000 most frequent words");
    for (word, _, here) in words {
        let sql = format!("SELECT SUM(word_count) FROM samples.shakespeare WHERE word = '{word}'");
        assert_eq!(ask(&sql).unwrap(), [here.to_string()], "{word}");
    }
}

#[test]
#[ignore = "needs BigQuery's own table: name its file in STANDIN_REAL_TABLE"]
fn at_most_two_percent_of_the_frequent_words_are_far_from_bigquerys() {
    let path = std::env::var_os("STANDIN_REAL_TABLE").expect("STANDIN_REAL_TABLE names the table's file");
    let theirs = load(Path::new(&path)).unwrap();
    let comparison = Comparison::new(&theirs, database()).unwrap();
    assert_eq!((comparison.words.len(), comparison.corpora.len()), (2_000, 42));
    let far = comparison.far().count();
    assert!(far * 50 <= comparison.words.len(), "{far} words");
    assert!(
        README.contains(&comparison.to_string()),
        "standin/data/README.md should have:\n{comparison}"
    );
}
