//! Only the table, as plain text.

use super::failure::Failure;
use super::format::Format;
use super::report::Report;
use super::wording::none_found;

/// `text/plain`.
pub const FORMAT: Format = Format {
    name: "txt",
    content_type: "text/plain; charset=utf-8",
    content: "the table alone, byte for byte as Python's `tabulate` lays it out in its `github` format, and a line end",
    answer,
};

fn answer(report: &Report<'_>) -> String {
    if report.counts.is_empty() {
        none_found(report.word) + "\n"
    } else {
        format!("{}\n", report.tabulated)
    }
}

/// An error in one line.
pub(super) fn error(failure: &Failure<'_>) -> String {
    format!("{}: {}\n", failure.title(), failure.sentence)
}
