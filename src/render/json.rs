//! The answer as JSON.

use serde::Serialize;

use crate::answer::Count;

use super::format::Format;
use super::report::{Report, rounded_rate};
use super::works;

/// `application/json`.
pub const FORMAT: Format = Format {
    name: "json",
    content_type: "application/json",
    content: "one object: `word`, `table`, `as_of`, `sample_data`, `total_words`, `counts` and `other_cases`, as [its schema](#json-and-csv) says",
    answer,
};

#[derive(Serialize)]
struct Document<'a> {
    word: &'a str,
    table: String,
    as_of: &'a str,
    sample_data: bool,
    total_words: i128,
    counts: Vec<Row<'a>>,
    other_cases: Vec<OtherCase<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    corpus: Option<&'a str>,
    /// Only for a known work.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<u16>,
    total_words: i64,
    corpus_words: i64,
    per_10000_words: Option<f64>,
}

#[derive(Serialize)]
struct OtherCase<'a> {
    word: &'a str,
    total_words: i64,
}

fn answer(report: &Report<'_>) -> String {
    line(&Document {
        word: report.word,
        table: report.table.to_string(),
        as_of: &report.as_of,
        sample_data: report.sample_data,
        total_words: report.total,
        counts: report.counts.iter().map(|count| row(report, count)).collect(),
        other_cases: report
            .other_cases
            .iter()
            .map(|other| OtherCase {
                word: &other.word,
                total_words: other.total_words,
            })
            .collect(),
    })
}

fn row<'a>(report: &Report<'_>, count: &'a Count) -> Row<'a> {
    let corpus = count.corpus.as_deref();
    let work = corpus.filter(|_| report.has_works).and_then(works::work);
    Row {
        corpus,
        title: work.map(|work| work.title),
        year: work.and_then(|work| work.year),
        total_words: count.total_words,
        corpus_words: count.corpus_words,
        per_10000_words: rounded_rate(count),
    }
}

/// One line of JSON. Our documents contain only text, numbers and lists, which always serialise.
pub(super) fn line(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_else(|_| "null".to_owned()) + "\n"
}
