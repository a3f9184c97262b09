//! The answer as JSON.

use serde::Serialize;

use super::facts::Facts;

#[derive(Serialize)]
struct Document<'a> {
    word: &'a str,
    table: String,
    as_of: &'a str,
    total_words: i128,
    counts: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    corpus: Option<&'a str>,
    total_words: i64,
}

pub(super) fn answer(facts: &Facts<'_>) -> String {
    let rows = facts.counts.iter();
    line(&Document {
        word: facts.word,
        table: facts.source.to_string(),
        as_of: &facts.as_of,
        total_words: facts.total,
        counts: rows
            .map(|row| Row {
                corpus: row.corpus.as_deref(),
                total_words: row.total_words,
            })
            .collect(),
    })
}

/// One line of JSON. Our documents hold only text, numbers and lists, which always serialise.
pub(super) fn line(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_else(|_| "null".to_owned()) + "\n"
}
