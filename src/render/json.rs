//! The answer as JSON.

use serde::Serialize;

use super::failure::Failure;
use super::format::Format;
use super::report::Report;

/// `application/json`.
pub const FORMAT: Format = Format {
    name: "json",
    content_type: "application/json",
    content: "one object: `word`, `table`, `as_of`, `total_words`, `counts`",
    answer,
    error: Some(error),
};

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

fn answer(report: &Report<'_>) -> String {
    let rows = report.counts.iter();
    line(&Document {
        word: report.word,
        table: report.table.to_string(),
        as_of: &report.as_of,
        total_words: report.total,
        counts: rows
            .map(|row| Row {
                corpus: row.corpus.as_deref(),
                total_words: row.total_words,
            })
            .collect(),
    })
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: u16,
    message: &'a str,
}

fn error(failure: &Failure<'_>) -> String {
    line(&ErrorDocument {
        error: ErrorBody {
            code: failure.status.as_u16(),
            message: failure.sentence,
        },
    })
}

/// One line of JSON. Our documents hold only text, numbers and lists, which always serialise.
fn line(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_else(|_| "null".to_owned()) + "\n"
}
