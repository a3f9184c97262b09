//! The answer as CSV (RFC 4180).

use super::format::Format;
use super::report::{Report, rounded_rate};

/// `text/csv`.
pub const FORMAT: Format = Format {
    name: "csv",
    content_type: "text/csv; charset=utf-8; header=present",
    content: "`corpus,total_words,corpus_words,per_10000_words`, RFC 4180; [no value](#json-and-csv) is an empty field",
    answer,
};

/// The counts unchanged. A name that starts with `=` is not escaped for spreadsheets, because programs read this and
/// need the name as it is in the table. NULL is an empty field; an empty name is a quoted one.
fn answer(report: &Report<'_>) -> String {
    let mut text = "corpus,total_words,corpus_words,per_10000_words\r\n".to_owned();
    for count in report.counts {
        let corpus = count.corpus.as_deref().map(field).unwrap_or_default();
        let rate = rounded_rate(count).map_or(String::new(), |rate| format!("{rate:.2}"));
        text.push_str(&format!(
            "{corpus},{},{},{rate}\r\n",
            count.total_words, count.corpus_words
        ));
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
