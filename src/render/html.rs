//! Whole HTML documents: no script, nothing from elsewhere, one style.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use super::chart;
use super::escape::escape;
use super::failure::Failure;
use super::format::Format;
use super::report::Report;
use super::wording::{heading, line, none_found};

/// `text/html`.
pub const FORMAT: Format = Format {
    name: "html",
    content_type: "text/html; charset=utf-8",
    content: "heading, table, bar chart as inline SVG; no script",
    answer,
    error: Some(error),
};

/// Every page's style. The policy allows this text and no other.
const STYLE: &str = include_str!("style.css");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        STANDARD.encode(digest)
    );
    // It is always valid. Were it not, a page without its style is the safe one.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The `Content-Security-Policy` for every HTML page: it allows our style, by its hash, and nothing else.
pub fn content_security_policy() -> HeaderValue {
    POLICY.clone()
}

/// The answer: heading and table as they always were, then what they are of, then the chart.
fn answer(report: &Report<'_>) -> String {
    let word = isolated(report.word);
    document(&format!("'{}' per corpus", report.word), |page| {
        page.push_str(&format!("<article>\n<h4>{}</h4>", heading(&word)));
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
        page.push_str("</article>\n");
    })
}

fn error(failure: &Failure<'_>) -> String {
    let title = failure.title();
    let main = format!(
        "<h1>{}</h1>\n<p>{}</p>\n",
        escape(&title),
        escape(failure.sentence)
    );
    document(&title, |page| page.push_str(&main))
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

/// A whole document around its main part, which is written as HTML; the title is not.
pub(super) fn document(title: &str, main: impl FnOnce(&mut String)) -> String {
    let mut page = format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n\
         <style>{STYLE}</style>\n\
         </head>\n\
         <body>\n\
         <main>\n",
        escape(&line(title))
    );
    main(&mut page);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}
