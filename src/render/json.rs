//! The answer as JSON.

use serde::{Serialize, Serializer};

use crate::answer::Count;

use super::format::Format;
use super::report::Report;

/// `application/json`.
pub const FORMAT: Format = Format {
    name: "json",
    content_type: "application/json",
    content: "one object: `word`, `table`, `as_of`, `total_words`, `counts`",
    answer,
};

#[derive(Serialize)]
struct Document<'a> {
    word: &'a str,
    table: String,
    as_of: &'a str,
    total_words: i128,
    #[serde(serialize_with = "rows")]
    counts: &'a [Count],
}

#[derive(Serialize)]
struct Row<'a> {
    corpus: Option<&'a str>,
    total_words: i64,
}

fn answer(report: &Report<'_>) -> String {
    line(&Document {
        word: report.word,
        table: report.table.to_string(),
        as_of: &report.as_of,
        total_words: report.total,
        counts: report.counts,
    })
}

fn rows<S: Serializer>(counts: &[Count], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(counts.iter().map(|count| Row {
        corpus: count.corpus.as_deref(),
        total_words: count.total_words,
    }))
}

/// One line of JSON. Our documents hold only text, numbers and lists, which always serialise.
pub(super) fn line(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_else(|_| "null".to_owned()) + "\n"
}
