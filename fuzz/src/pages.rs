use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::Deserialize;
use wordtally::answer::{Answer, Count, Moment};
use wordtally::config::Word;
use wordtally::render::{Context, FORMATS, Format, Order, Pages, csv, html, json, markdown, text};

const TABLE: &str = "project.dataset.table";

/// A word, then names and numbers alternately, as an answer: each format shows what the answer says, and names are
/// always only text.
pub fn pages(data: &[u8]) {
    let mut parts = crate::parts(data);
    let Some(word) = parts.next().and_then(word) else {
        return;
    };
    let mut counts = Vec::new();
    while let Some(name) = parts.next() {
        let number = String::from_utf8_lossy(parts.next().unwrap_or_default());
        let number = number.parse().unwrap_or(number.len() as i64);
        counts.push(Count {
            // A byte that never occurs in UTF-8 means NULL.
            corpus: (name != [0xfe]).then(|| String::from_utf8_lossy(name).into_owned()),
            total_words: number,
            corpus_words: number.wrapping_mul(7),
        });
    }
    let answer = Answer {
        word,
        table: TABLE.parse().expect("a table"),
        counts,
        other_cases: Vec::new(),
        sample_data: false,
        sent: Moment::now(),
    };
    let context = Context {
        neighbours: None,
        ttl: Duration::from_secs(300),
    };
    let Ok(pages) = Pages::new(&answer, &context) else {
        return;
    };
    let body = |format: &Format| {
        let page = pages
            .get(format, Order::default(), false)
            .expect("every format has a page");
        if let Some(gzip) = &page.gzip {
            let mut plain = Vec::new();
            GzDecoder::new(&*gzip.body).read_to_end(&mut plain).expect("gzip");
            assert_eq!(plain, page.identity.body);
            assert_ne!(gzip.etag, page.identity.etag);
        }
        str::from_utf8(&page.identity.body).expect("UTF-8").to_owned()
    };
    for format in FORMATS {
        assert!(body(format).ends_with('\n'), "{format:?}");
    }
    must_hold_in_json(&answer, &body(&json::FORMAT));
    must_hold_in_csv(&answer, &body(&csv::FORMAT));
    must_hold_in_text(&answer, &body(&text::FORMAT));
    must_hold_in_html(&answer, &body(&html::FORMAT), &body(&text::FORMAT));
    must_hold_in_markdown(&answer, &body(&markdown::FORMAT));
}

fn word(bytes: &[u8]) -> Option<Word> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

fn must_hold_in_json(answer: &Answer, page: &str) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        word: String,
        table: String,
        as_of: String,
        sample_data: bool,
        total_words: i128,
        counts: Vec<Row>,
        other_cases: [(); 0],
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        corpus: Option<String>,
        total_words: i64,
        corpus_words: i64,
        per_10000_words: Option<f64>,
    }
    let document: Document = serde_json::from_str(page).expect("JSON");
    assert_eq!(document.word, answer.word.as_str());
    assert_eq!((document.table.as_str(), document.as_of.len()), (TABLE, 20));
    assert_eq!((document.sample_data, document.other_cases), (false, []));
    let total: i128 = answer
        .counts
        .iter()
        .map(|count| i128::from(count.total_words))
        .sum();
    assert_eq!(document.total_words, total);
    assert_eq!(document.counts.len(), answer.counts.len());
    for (row, count) in document.counts.into_iter().zip(&answer.counts) {
        let read = Count {
            corpus: row.corpus,
            total_words: row.total_words,
            corpus_words: row.corpus_words,
        };
        assert_eq!(read, *count);
        must_be_the_rate(row.per_10000_words, count);
    }
}

/// With two decimals, as precisely as a float allows; none if there are no words.
fn must_be_the_rate(rate: Option<f64>, count: &Count) {
    assert_eq!(rate.is_some(), count.corpus_words > 0, "{count:?}");
    if let Some(rate) = rate {
        let exact = count.total_words as f64 / count.corpus_words as f64 * 10_000.0;
        assert!(
            (rate - exact).abs() <= 0.005 + exact.abs() / 1e12,
            "{rate} of {count:?}"
        );
    }
}

fn must_hold_in_csv(answer: &Answer, page: &str) {
    let mut reader = ::csv::Reader::from_reader(page.as_bytes());
    let records: Vec<(String, i64, i64, Option<f64>)> =
        reader.deserialize().map(|record| record.expect("CSV")).collect();
    assert_eq!(records.len(), answer.counts.len());
    for ((corpus, total_words, corpus_words, rate), count) in records.into_iter().zip(&answer.counts) {
        assert_eq!(corpus, count.corpus.as_deref().unwrap_or_default());
        assert_eq!(
            (total_words, corpus_words),
            (count.total_words, count.corpus_words)
        );
        must_be_the_rate(rate, count);
    }
}

/// All lines of the table have the same width, if no character has a width of its own.
fn must_hold_in_text(answer: &Answer, page: &str) {
    let plain = |count: &Count| {
        !count
            .corpus
            .as_deref()
            .unwrap_or_default()
            .contains(char::is_control)
    };
    if answer.counts.is_empty() || !answer.counts.iter().all(plain) {
        return;
    }
    let lines: Vec<&str> = page.trim_end_matches('\n').split('\n').collect();
    assert_eq!(lines.len(), answer.counts.len() + 2, "{page}");
    let width = |line: &str| line.chars().count();
    for line in &lines {
        assert_eq!(width(line), width(lines[0]), "{page}");
        assert!(line.starts_with('|') && line.ends_with('|'), "{page}");
    }
    for (line, count) in lines[2..].iter().zip(&answer.counts) {
        let number = count.total_words.to_string();
        assert!(line.trim_end_matches(" |").ends_with(&number), "{line}: {number}");
    }
}

/// Whatever the names are, the document has our own tags and no others, and its table reads as the plain text does.
fn must_hold_in_html(answer: &Answer, page: &str, text: &str) {
    let (head, rest) = page.split_once("<style>").expect("a style");
    let (_, main) = rest.split_once("</style>").expect("its end");
    let shown = text_of(head) + &text_of(main);
    assert!(
        shown.contains(&format!("Amount of times '{}' appears per corpus", answer.word)),
        "{shown}"
    );
    // If the table is long, the page links to it instead.
    if !answer.counts.is_empty() && text.len() <= 80_000 {
        let (_, rest) = main.split_once("<pre>").expect("a table");
        let (table, _) = rest.split_once("</pre>").expect("its end");
        // HTML has no NUL.
        assert_eq!(text_of(table) + "\n", text.replace('\0', "\u{fffd}"));
    }
}

/// The text of a piece of HTML. Fails at a tag or an entity that none of our templates has.
fn text_of(html: &str) -> String {
    const TAGS: [&str; 36] = [
        "!doctype", "a", "bdi", "body", "caption", "code", "details", "div", "h1", "h2", "h3", "h4", "head",
        "html", "i", "li", "link", "main", "meta", "p", "pre", "rect", "section", "small", "span", "strong",
        "summary", "svg", "table", "tbody", "td", "th", "thead", "time", "tr", "ul",
    ];
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&', '>']) {
        text.push_str(&rest[..at]);
        let found = &rest[at..];
        if let Some(tag) = found.strip_prefix('<') {
            let (tag, after) = tag.split_once('>').expect("a tag ends");
            assert!(!tag.contains(['<', '\n']), "<{tag}>");
            let name = tag
                .trim_start_matches('/')
                .split([' ', '/'])
                .next()
                .unwrap_or_default();
            assert!(name == "title" || TAGS.contains(&name), "<{tag}>");
            must_have_our_attributes(tag);
            rest = after;
            continue;
        }
        let (entity, after) = found.split_once(';').expect("a bare '>' or '&'");
        text.push(match entity {
            "&amp" => '&',
            "&lt" => '<',
            "&gt" => '>',
            "&quot" => '"',
            "&#39" => '\'',
            _ => panic!("the entity {entity}"),
        });
        rest = after;
    }
    text + rest
}

/// No attribute comes from outside: its value ends where ours does.
fn must_have_our_attributes(tag: &str) {
    const NAMES: [&str; 21] = [
        "aria-hidden",
        "aria-label",
        "aria-sort",
        "charset",
        "class",
        "content",
        "datetime",
        "dir",
        "height",
        "href",
        "lang",
        "name",
        "property",
        "rel",
        "role",
        "rx",
        "scope",
        "tabindex",
        "title",
        "type",
        "width",
    ];
    // Values are in double quotes, and every second piece is a value.
    for names in tag.split('"').step_by(2) {
        for name in names.split(' ').filter_map(|name| name.strip_suffix('=')) {
            assert!(NAMES.contains(&name), "{name} in <{tag}>");
        }
    }
    assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
}

/// The page is one heading, one table and two paragraphs; each cell reads as its name does.
fn must_hold_in_markdown(answer: &Answer, page: &str) {
    let mut heading = String::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut blocks = Vec::new();
    let mut into: Option<String> = None;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                blocks.push("heading");
                into = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => heading = into.take().unwrap_or_default(),
            Event::Start(Tag::Table(_)) => blocks.push("table"),
            Event::Start(Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => into = Some(String::new()),
            Event::End(TagEnd::TableCell) => {
                if let (Some(row), Some(cell)) = (rows.last_mut(), into.take()) {
                    row.push(cell);
                }
            }
            Event::Start(Tag::Paragraph) => blocks.push("paragraph"),
            Event::Text(text) => {
                if let Some(into) = &mut into {
                    into.push_str(&text);
                }
            }
            // It separates the halves of text that looks like a mail address.
            Event::InlineHtml(comment) => assert_eq!(&*comment, "<!-- -->"),
            Event::Code(code) => assert_eq!(&*code, TABLE, "{page}"),
            Event::Start(Tag::TableHead) | Event::End(_) => {}
            other => panic!("{other:?} in {page}"),
        }
    }
    let shown = |text: &str| {
        let marks = |c: char| {
            c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let text: String = text
            .chars()
            .map(|c| if marks(c) { '\u{fffd}' } else { c })
            .collect();
        text.trim().to_owned()
    };
    assert_eq!(
        heading,
        format!(
            "Amount of times '{}' appears per corpus",
            shown_word(answer.word.as_str(), shown)
        )
    );
    if answer.counts.is_empty() {
        assert_eq!(blocks, ["heading", "paragraph", "paragraph"], "{page}");
        return;
    }
    assert_eq!(blocks, ["heading", "table", "paragraph", "paragraph"], "{page}");
    let expected: Vec<Vec<String>> = answer
        .counts
        .iter()
        .map(|count| {
            vec![
                shown(count.corpus.as_deref().unwrap_or_default()),
                count.total_words.to_string(),
            ]
        })
        .collect();
    // The first row is the header, which has its own event.
    let trimmed: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| row.into_iter().map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert_eq!(trimmed, expected, "{page}");
}

/// A word keeps its leading and trailing spaces, because it is in quotes.
fn shown_word(word: &str, shown: impl Fn(&str) -> String) -> String {
    let quoted = shown(&format!("'{word}'"));
    quoted[1..quoted.len() - 1].to_owned()
}
