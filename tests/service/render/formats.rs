//! The formats for programs, and what all formats have in common.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use wordtally::answer::{Answer, Count, Moment};
use wordtally::render::{Context, FORMATS, Format, Order, Page, Pages, csv, html, json, markdown, text};

const NAMES: [Option<&str>; 9] = [
    Some("hamlet"),
    Some("=HYPERLINK(\"http://x\")"),
    Some("a,b"),
    Some("two\r\nlines"),
    Some(" spaces "),
    Some("日本語\u{202e}\u{7}\u{0}"),
    Some("a|b\\|c*d*`e`_f_<g>"),
    Some(""),
    None,
];

/// An instance that knows of no other.
const ALONE: Context<'_> = Context {
    neighbours: None,
    ttl: Duration::from_secs(300),
};

fn answer(as_of: SystemTime) -> Answer {
    let counts = NAMES
        .iter()
        .zip([i64::MAX, i64::MAX, 5, 4, 3, 2, 1, 0, -1])
        .map(|(corpus, total_words)| Count {
            corpus: corpus.map(str::to_owned),
            total_words,
            corpus_words: 20_000,
        })
        .collect();
    Answer {
        word: "'*the*'".parse().unwrap(),
        table: "project.dataset.table".parse().unwrap(),
        counts,
        other_cases: Vec::new(),
        sample_data: false,
        sent: Moment {
            wall: as_of,
            ..Moment::now()
        },
    }
}

fn as_of() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000_000_999)
}

fn render(answer: &Answer) -> Pages {
    Pages::new(answer, &ALONE).unwrap()
}

fn body(answer: &Answer, format: &Format) -> String {
    String::from_utf8(
        render(answer)
            .get(format, Order::Count, false)
            .unwrap()
            .identity
            .body
            .to_vec(),
    )
    .unwrap()
}

#[test]
fn json_holds_the_answer() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        word: String,
        table: String,
        as_of: String,
        total_words: i128,
        counts: Vec<Row>,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        corpus: Option<String>,
        total_words: i64,
    }
    let answer = answer(as_of());
    let text = body(&answer, &json::FORMAT);
    assert!(text.ends_with("}\n"), "{text}");
    let document: Document = serde_json::from_str(&text).unwrap();
    let rows = answer.counts.iter();
    let expected = Document {
        word: "'*the*'".to_owned(),
        table: "project.dataset.table".to_owned(),
        as_of: "2001-09-09T01:46:40Z".to_owned(),
        total_words: 2 * i128::from(i64::MAX) + 14,
        counts: rows
            .map(|row| Row {
                corpus: row.corpus.clone(),
                total_words: row.total_words,
            })
            .collect(),
    };
    assert_eq!(document, expected);
}

#[test]
fn csv_reads_back_as_it_was() {
    let answer = answer(as_of());
    let text = body(&answer, &csv::FORMAT);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["corpus", "total_words"]);
    let records: Vec<(String, i64)> = reader.deserialize().map(Result::unwrap).collect();
    let expected: Vec<(String, i64)> = answer
        .counts
        .iter()
        .map(|count| (count.corpus.clone().unwrap_or_default(), count.total_words))
        .collect();
    assert_eq!(records, expected);
    assert!(
        text.ends_with("\r\n\"\",0\r\n,-1\r\n"),
        "an empty name is quoted, NULL is not: {text}"
    );
}

#[test]
fn a_name_and_a_media_type_stand_for_one_format() {
    let names: HashSet<_> = FORMATS.iter().map(|format| format.name).collect();
    let media_types: HashSet<_> = FORMATS.iter().map(Format::media_type).collect();
    assert_eq!((names.len(), media_types.len()), (FORMATS.len(), FORMATS.len()));
}

#[test]
fn every_format_ends_with_one_line_end() {
    let answer = answer(as_of());
    for format in FORMATS {
        let text = body(&answer, format);
        let bare = text
            .strip_suffix('\n')
            .unwrap_or_else(|| panic!("{format:?}: {text}"));
        assert!(!bare.ends_with('\n'), "{format:?}: {text}");
    }
}

#[test]
fn markdown_is_one_table_whatever_the_names() {
    let text = body(&answer(as_of()), &markdown::FORMAT);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + NAMES.len(), "{text}");
    for row in &rows {
        let bare = row.replace("\\\\", "").replace("\\|", "");
        assert_eq!(bare.matches('|').count(), 3, "{row}");
    }
    assert!(text.starts_with("# Amount of times ''\\*the\\*'' appears per corpus\n\n| corpus | total_words |\n| :--- | ---: |\n| hamlet | 9223372036854775807 |\n"), "{text}");
    assert!(
        rows.contains(&"| a\\|b\\\\\\|c\\*d\\*\\`e\\`\\_f\\_\\<g\\> | 1 |"),
        "{text}"
    );
    assert!(
        text.ends_with("Data as of 2001-09-09T01:46:40Z, from `project.dataset.table`.\n"),
        "{text}"
    );
}

/// As GitHub's own parser links them.
#[test]
fn an_address_is_no_link_in_markdown() {
    for (name, escaped) in [
        ("www.example.com", "www\\.example.com"),
        ("https://example.com", "https\\://example.com"),
        ("someone@example.com", "someone<!-- -->@example.com"),
    ] {
        let one = Answer {
            counts: vec![Count {
                corpus: Some(name.to_owned()),
                total_words: 1,
                corpus_words: 20_000,
            }],
            ..answer(as_of())
        };
        let text = body(&one, &markdown::FORMAT);
        assert!(text.contains(&format!("| {escaped} | 1 |")), "{text}");
    }
}

#[test]
fn an_empty_answer_says_so() {
    let empty = Answer {
        counts: Vec::new(),
        word: "xyzzy".parse().unwrap(),
        ..answer(as_of())
    };
    let sentence = "'xyzzy' appears in no corpus.";
    assert_eq!(body(&empty, &text::FORMAT), format!("{sentence}\n"));
    assert!(body(&empty, &html::FORMAT).contains(&format!("per corpus</h4><p>{sentence}</p>")));
    assert!(!body(&empty, &html::FORMAT).contains("<table"));
    assert!(body(&empty, &markdown::FORMAT).contains(&format!("\n\n{sentence}\n\n")));
    assert_eq!(body(&empty, &csv::FORMAT), "corpus,total_words\r\n");
    assert!(body(&empty, &json::FORMAT).ends_with("\"total_words\":0,\"counts\":[]}\n"));
}

#[test]
fn the_same_answer_gives_the_same_bytes_and_tags() {
    let (one, two) = (render(&answer(as_of())), render(&answer(as_of())));
    let mut etags = HashSet::new();
    for format in FORMATS {
        let tagged = |pages: &Pages| -> Page { pages.get(format, Order::Count, false).unwrap().clone() };
        let (one, two) = (tagged(&one), tagged(&two));
        assert_eq!(one.identity.body, two.identity.body);
        assert_eq!(one.identity.etag, two.identity.etag);
        let etag = one.identity.etag.to_str().unwrap();
        let hex = etag
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap();
        assert!(
            hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
            "{etag}"
        );
        assert!(
            etags.insert(etag.to_owned()),
            "{format:?} has another format's tag"
        );
    }
}

#[test]
fn a_tag_follows_the_body() {
    let old = render(&answer(as_of()));
    let later = render(&answer(as_of() + Duration::from_secs(300)));
    let mut changed = answer(as_of());
    changed.counts.pop();
    let changed = render(&changed);
    for format in FORMATS {
        let tag = |pages: &Pages| {
            pages
                .get(format, Order::Count, false)
                .unwrap()
                .identity
                .etag
                .clone()
        };
        assert_ne!(tag(&changed), tag(&old), "{format:?}");
        // The table and the CSV do not say when they were made, so a refresh that changes nothing keeps their tags.
        let dated = body(&answer(as_of()), format).contains("2001-09-09");
        assert_eq!(tag(&later) != tag(&old), dated, "{format:?}");
        if [&csv::FORMAT, &text::FORMAT].contains(&format) {
            assert!(!dated, "{format:?}");
        }
    }
}

#[test]
fn a_wrong_clock_still_gives_pages() {
    let day = Duration::from_secs(24 * 60 * 60);
    let before = body(&answer(SystemTime::UNIX_EPOCH - day), &json::FORMAT);
    assert!(before.contains("\"as_of\":\"1970-01-01T00:00:00Z\""), "{before}");
    let after = body(&answer(SystemTime::UNIX_EPOCH + day * 366 * 9000), &json::FORMAT);
    assert!(after.contains("\"as_of\":\"9999-12-31T23:59:59Z\""), "{after}");
}
