//! The answer, and an error, as HTML.

use super::chart;
use super::document::{Head, document};
use super::escape::escape;
use super::failure::Failure;
use super::format::Format;
use super::report::Report;
use super::wording::{heading, none_found};

/// `text/html`.
pub const FORMAT: Format = Format {
    name: "html",
    content_type: "text/html; charset=utf-8",
    content: "heading, table, bar chart as inline SVG; no script",
    answer,
};

/// The answer: heading and table as they always were, then what they are of, then the chart.
fn answer(report: &Report<'_>) -> String {
    let word = isolated(report.word);
    let head = Head {
        title: &format!("'{}' per corpus", report.word),
        description: "",
        links: "",
    };
    document(&head, |page| {
        page.push_str(&format!("<main>\n<article>\n<h4>{}</h4>", heading(&word)));
        if report.counts.is_empty() {
            page.push_str(&format!("<p>{}</p>\n<p class=\"source\">", none_found(&word)));
        } else {
            page.push_str("<pre>");
            preformatted(&report.tabulated, page);
            page.push_str(&format!(
                "</pre>\n<p class=\"source\">In all <strong>{}</strong>. ",
                report.summary()
            ));
        }
        page.push_str(&format!(
            "Data as of <time datetime=\"{as_of}\">{as_of_words}</time>, from <code>{source}</code>.</p>\n",
            as_of = report.as_of,
            as_of_words = report.as_of_words(),
            source = escape(&report.table.to_string()),
        ));
        if !report.counts.is_empty() {
            page.push_str(&chart::chart(report));
        }
        page.push_str("</article>\n</main>\n");
    })
}

pub(super) fn error(failure: &Failure<'_>) -> String {
    let title = failure.title();
    let main = format!(
        "<main>\n<h1>{}</h1>\n<p>{}</p>\n</main>\n",
        escape(&title),
        escape(failure.sentence)
    );
    let head = Head {
        title: &title,
        description: failure.sentence,
        links: "",
    };
    document(&head, |page| page.push_str(&main))
}

/// The table with its text as it is. Names are kept from moving the number beside them.
fn preformatted(table: &str, page: &mut String) {
    for (index, line) in table.split('\n').enumerate() {
        if index > 0 {
            page.push('\n');
        }
        match line.rsplit_once(" | ") {
            Some((name, number)) => {
                page.push_str(&isolated(name));
                page.push_str(" | ");
                page.push_str(&escape(number));
            }
            None => page.push_str(&escape(line)),
        }
    }
}

/// The text escaped. If it may run from right to left, or turns the direction, that ends with it.
fn isolated(text: &str) -> String {
    let escaped = escape(text);
    if text.is_ascii() {
        escaped
    } else {
        format!("<bdi dir=\"ltr\">{escaped}</bdi>")
    }
}
