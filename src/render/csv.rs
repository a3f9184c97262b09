//! The answer as CSV after RFC 4180.

use super::format::Format;
use super::report::Report;

/// `text/csv`.
pub const FORMAT: Format = Format {
    name: "csv",
    content_type: "text/csv; charset=utf-8; header=present",
    content: "`corpus,total_words`, RFC 4180; a corpus that is NULL is an empty field, an empty name is `\"\"`",
    answer,
};

/// The counts as they are. A name that starts with `=` is not changed to please spreadsheets: programs read this,
/// and need the name that the table holds. NULL is an empty field, an empty name is a quoted one.
fn answer(report: &Report<'_>) -> String {
    let mut text = "corpus,total_words\r\n".to_owned();
    for count in report.counts {
        let corpus = count.corpus.as_deref().map(field).unwrap_or_default();
        text.push_str(&format!("{corpus},{}\r\n", count.total_words));
    }
    text
}

fn field(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
