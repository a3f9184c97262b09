//! The answer as Markdown: a heading, a table (GitHub's specification), and the source of the numbers.

use super::format::Format;
use super::report::Report;
use super::wording::{heading, line, none_found, other_cases};

/// `text/markdown`.
pub const FORMAT: Format = Format {
    name: "md",
    content_type: "text/markdown; charset=utf-8",
    content: "heading and table",
    answer,
};

fn answer(report: &Report<'_>) -> String {
    let word = escape(report.word);
    let mut text = format!("# {}\n\n", heading(&word));
    if report.sample_data {
        text.push_str("**Sample data, from the stand-in.** Not BigQuery's numbers.\n\n");
    }
    if report.counts.is_empty() {
        text.push_str(&format!("{}\n", none_found(&word)));
    } else {
        text.push_str("| corpus | total_words |\n| :--- | ---: |\n");
        for count in report.counts {
            let corpus = count.corpus.as_deref().map(escape).unwrap_or_default();
            text.push_str(&format!("| {corpus} | {} |\n", count.total_words));
        }
        text.push_str(&format!("\nIn all: {}.\n", report.summary()));
    }
    if let Some(cases) = other_cases(report.other_cases, escape) {
        text.push_str(&format!("\nNot counted here: {cases}.\n"));
    }
    text.push_str(&format!(
        "\nData as of {}, from `{}`.\n",
        report.as_of, report.table
    ));
    text
}

/// One line that renders as the text itself: without mark-up, the end of a cell, HTML, or automatic links.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            // GitHub recognises mail addresses after it has removed backslashes; a comment keeps the halves apart.
            '@' => escaped.push_str("<!-- -->"),
            // `www.` also begins a link.
            '.' if escaped.ends_with("www") => escaped.push('\\'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '!' | '$' | ':' => {
                escaped.push('\\');
            }
            _ => {}
        }
        escaped.push(c);
    }
    escaped
}
