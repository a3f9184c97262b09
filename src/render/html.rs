//! The answer, and an error, as HTML.

use super::document::{Head, SAMPLE_BANNER, document, shown};
use super::escape::escape;
use super::failure::Failure;
use super::format::Format;
use super::neighbours;
use super::order::Order;
use super::report::Report;
use super::rows;
use super::wording::{grouped, heading, none_found, other_cases, period};
use super::{csv, json, markdown, text};

/// `text/html`.
pub const FORMAT: Format = Format {
    name: "html",
    content_type: "text/html; charset=utf-8",
    content: "the counts as a table with a bar in each row, sorted by count or by rate; no script",
    answer,
};

/// A word of at least this many characters is too long for the largest letters.
const LONG_WORD: usize = 40;
/// The largest plain table inside the page, in bytes.
const MOST_PLAIN: usize = 80_000;

/// The other formats, with their names and purposes.
const DOWNLOADS: [(&Format, &str, &str); 4] = [
    (&csv::FORMAT, "CSV", "for Excel, Google Sheets or pandas"),
    (&json::FORMAT, "JSON", "for programs"),
    (&markdown::FORMAT, "Markdown", "for a wiki or a README"),
    (&text::FORMAT, "Plain text", "for a terminal"),
];

/// The page has this order, also for screen readers: the word, its total and the date, what counts, the table.
fn answer(report: &Report<'_>) -> String {
    let word = shown(report.word);
    let place = if report.has_works {
        "in Shakespeare's works"
    } else {
        "in each corpus"
    };
    let title = format!("'{}' {place}", report.word);
    let description = format!(
        "{}How often '{}' appears {place}: {}, as of {}.",
        if report.sample_data { "Sample data. " } else { "" },
        report.word,
        report.summary(),
        report.as_of_words()
    );
    let head = Head {
        title: &title,
        description: &description,
        links: &links(report),
    };
    document(&head, |page| {
        if let Some(neighbours) = report.neighbours {
            page.push_str(&format!(
                "<header>\n{}</header>\n",
                neighbours::nav(neighbours, "Words")
            ));
        }
        page.push_str("<main>\n");
        if report.sample_data {
            page.push_str(SAMPLE_BANNER);
        }
        if report.stale {
            page.push_str(&format!(
                "<p class=\"banner\"><strong>Not up to date.</strong> The last refresh failed. \
                 The numbers are from {}.</p>\n",
                report.as_of_words()
            ));
        }
        page.push_str(&format!(
            "<h1{class}>'{word}' <span class=\"soft\">{place}</span></h1>\n",
            class = if report.word.chars().count() > LONG_WORD {
                " class=\"long\""
            } else {
                ""
            },
            place = escape(place)
        ));
        summary(report, &word, page);
        if !report.counts.is_empty() {
            counts(report, &word, page);
        }
        downloads(report, page);
        page.push_str("</main>\n");
        if let Some(neighbours) = report.neighbours {
            page.push_str(&format!(
                "<footer>\n{}</footer>\n",
                neighbours::nav(neighbours, "More words")
            ));
        }
    })
}

/// Links for programs: the same answer in other formats, and the neighbouring words.
fn links(report: &Report<'_>) -> String {
    let mut links: String = DOWNLOADS
        .iter()
        .map(|(format, title, _)| {
            format!(
                "<link rel=\"alternate\" type=\"{}\" href=\"counts.{}\" title=\"{title}\">\n",
                format.media_type(),
                format.name
            )
        })
        .collect();
    if let Some(neighbours) = report.neighbours {
        links.push_str(&neighbours::links(neighbours));
    }
    links
}

/// The total, the date, and the rules of counting.
fn summary(report: &Report<'_>, word: &str, page: &mut String) {
    if report.counts.is_empty() {
        page.push_str(&format!("<p class=\"lead\">'{word}' appears nowhere"));
        match other_cases(report.other_cases, shown) {
            Some(cases) => page.push_str(&format!(". With different capitals: {cases}.</p>\n")),
            None => page.push_str(".</p>\n"),
        }
    } else {
        let (total, rest) = report.summary_parts();
        page.push_str(&format!(
            "<p class=\"lead\"><strong>{total}</strong> {rest}</p>\n"
        ));
    }
    page.push_str(&format!(
        "<p class=\"soft\">Data as of <time datetime=\"{}\">{}</time></p>\n",
        report.as_of,
        report.as_of_words(),
    ));
    if let Some(cases) = other_cases(report.other_cases, shown).filter(|_| !report.counts.is_empty()) {
        page.push_str(&format!("<p>Not counted here: {cases}.</p>\n"));
    }
    let (one, many) = report.things();
    page.push_str(&format!(
        "<p class=\"soft\">Only this exact spelling counts, capitals included. The rate, per 10,000 words of a \
         {one}, makes long and short {many} comparable. The numbers are from {source}<code>{table}</code>, \
         refreshed every {period}.</p>\n",
        source = if report.sample_data { "the stand-in's copy of " } else { "" },
        table = escape(&report.table.to_string()),
        period = period(report.ttl),
    ));
}

/// The table, and how much it leaves out.
fn counts(report: &Report<'_>, word: &str, page: &mut String) {
    let caption = match report.order {
        Order::Count => format!("How often '{word}' appears, highest count first"),
        Order::Rate => format!("How often '{word}' appears in 10,000 words, highest rate first"),
    };
    let (table, rows) = rows::table(report, &caption);
    page.push_str(&table);
    if rows < report.counts.len() {
        page.push_str(&format!(
            "<p>The table shows the first {} of {} rows. <a href=\"counts.csv\">The CSV file</a> has all.</p>\n",
            grouped(rows as i128),
            grouped(report.counts.len() as i128),
        ));
    }
}

/// The other formats, and the table of the former service.
fn downloads(report: &Report<'_>, page: &mut String) {
    page.push_str("<section>\n<h2>Take the numbers with you</h2>\n<ul class=\"links\">\n");
    for (format, title, purpose) in DOWNLOADS {
        page.push_str(&format!(
            "<li><a href=\"counts.{}\">{title}</a> <span class=\"soft\">{purpose}</span></li>\n",
            format.name
        ));
    }
    // Content that is wider than the screen scrolls inside a region that the keyboard reaches.
    page.push_str(
        "</ul>\n<details>\n<summary><h3>As plain text</h3></summary>\n\
         <div class=\"plain\" role=\"region\" aria-label=\"The table as plain text\" tabindex=\"0\">\n",
    );
    let word = isolated(report.word);
    page.push_str(&format!("<h4>{}</h4>", heading(&word)));
    if report.counts.is_empty() {
        page.push_str(&format!("<p>{}</p>", none_found(&word)));
    } else if report.tabulated.len() > MOST_PLAIN {
        page.push_str(
            "<p>The table is too long for this page: <a href=\"counts.txt\">counts.txt</a> has it.</p>",
        );
    } else {
        page.push_str("<pre>");
        preformatted(&report.tabulated, page);
        page.push_str("</pre>");
    }
    page.push_str("\n</div>\n</details>\n</section>\n");
}

pub(super) fn error(failure: &Failure<'_>) -> String {
    let title = failure.title();
    let head = Head {
        title: &title,
        description: failure.sentence,
        links: "",
    };
    document(&head, |page| {
        page.push_str(&format!(
            "<main>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n<p><a href=\"{}\">See the counts</a></p>\n{id}</main>\n",
            escape(&title),
            escape(failure.sentence),
            escape(failure.home),
            id = failure.request_id.map_or(String::new(), |id| format!(
                "<p class=\"soft\">In the log this is request <code>{}</code></p>\n",
                escape(id)
            )),
        ));
    })
}

/// The table with its text unchanged. The names cannot change the direction of the numbers beside them.
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

/// The text unchanged, but escaped. Text that may run from right to left, or changes the direction, is isolated.
fn isolated(text: &str) -> String {
    let escaped = escape(text);
    if text.is_ascii() {
        escaped
    } else {
        format!("<bdi dir=\"ltr\">{escaped}</bdi>")
    }
}
