//! The table is, byte for byte, what Python's `tabulate` makes of the same rows.

use std::time::Duration;

use wordtally::answer::{Answer, Count, Moment};
use wordtally::render::{Context, Order, Pages, text};

/// An instance that knows of no other.
const ALONE: Context<'_> = Context {
    neighbours: None,
    ttl: Duration::from_secs(300),
};

/// Made by `tables.py` with the real package.
const CASES: &str = include_str!("tabulate/tabulate.jsonl");

#[derive(serde::Deserialize)]
struct Case {
    rows: Vec<(Option<String>, i64)>,
    table: String,
}

#[test]
fn tables_are_those_of_tabulate() {
    let cases: Vec<Case> = CASES
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() > 800, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let counts = case
            .rows
            .iter()
            .map(|(corpus, total_words)| Count {
                corpus: corpus.clone(),
                total_words: *total_words,
                corpus_words: 20_000,
            })
            .collect();
        let answer = Answer {
            word: "the".parse().unwrap(),
            table: "project.dataset.table".parse().unwrap(),
            counts,
            other_cases: Vec::new(),
            sample_data: false,
            sent: Moment::now(),
        };
        let pages = Pages::new(&answer, &ALONE).unwrap();
        let text = String::from_utf8(
            pages
                .get(&text::FORMAT, Order::Count, false)
                .unwrap()
                .identity
                .body
                .to_vec(),
        )
        .unwrap();
        // Where tabulate gives nothing we say so.
        let expected = if case.rows.is_empty() {
            "'the' appears in no corpus.\n".to_owned()
        } else {
            format!("{}\n", case.table)
        };
        if text != expected {
            wrong.push(format!(
                "{:?}\ntabulate:\n{expected:?}\nours:\n{text:?}",
                case.rows
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} tables differ, such as\n{}",
        wrong.len(),
        cases.len(),
        wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n")
    );
}
