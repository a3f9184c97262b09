//! The formats for programs, and what all formats have in common.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use wordtally::answer::{Answer, Count, Moment, OtherCase};
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

/// An instance that does not know any other.
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
        sample_data: bool,
        total_words: i128,
        counts: Vec<Row>,
        other_cases: Vec<Other>,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Other {
        word: String,
        total_words: i64,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        corpus: Option<String>,
        total_words: i64,
        corpus_words: i64,
        per_10000_words: Option<f64>,
    }
    let mut answer = answer(as_of());
    answer.sample_data = true;
    answer.other_cases = vec![OtherCase {
        word: "THE \"*".to_owned(),
        total_words: 7,
    }];
    for (count, corpus_words) in answer.counts.iter_mut().skip(2).zip([30_000, 7, 0]) {
        count.corpus_words = corpus_words;
    }
    let text = body(&answer, &json::FORMAT);
    assert!(text.ends_with("}\n"), "{text}");
    let document: Document = serde_json::from_str(&text).unwrap();
    let rows = answer.counts.iter();
    let expected = Document {
        word: "'*the*'".to_owned(),
        table: "project.dataset.table".to_owned(),
        as_of: "2001-09-09T01:46:40Z".to_owned(),
        sample_data: true,
        total_words: 2 * i128::from(i64::MAX) + 14,
        counts: rows
            .zip([
                Some(4_611_686_018_427_388_000.0),
                Some(4_611_686_018_427_388_000.0),
                Some(1.67),
                Some(5714.29),
                None,
                Some(1.0),
                Some(0.5),
                Some(0.0),
                Some(-0.5),
            ])
            .map(|(row, per_10000_words)| Row {
                corpus: row.corpus.clone(),
                total_words: row.total_words,
                corpus_words: row.corpus_words,
                per_10000_words,
            })
            .collect(),
        other_cases: vec![Other {
            word: "THE \"*".to_owned(),
            total_words: 7,
        }],
    };
    assert_eq!(document, expected);
}

#[test]
fn json_has_the_title_and_the_year_of_a_known_work() {
    let mut known = answer(as_of());
    known.table = "bigquery-public-data.samples.shakespeare".parse().unwrap();
    known.counts = ["kinghenryv", "hamlet", "none such"]
        .map(|corpus| Count {
            corpus: Some(corpus.to_owned()),
            total_words: 1,
            corpus_words: 1,
        })
        .into();
    let text = body(&known, &json::FORMAT);
    assert!(
        text.contains(r#"{"corpus":"kinghenryv","title":"Henry V","year":15"#),
        "{text}"
    );
    assert!(
        text.contains(r#"{"corpus":"none such","total_words":1,"#),
        "{text}"
    );
    known.table = "a-project.samples.shakespeare".parse().unwrap();
    assert!(!body(&known, &json::FORMAT).contains("title"));
}

#[test]
fn csv_reads_back_as_it_was() {
    let mut answer = answer(as_of());
    answer.counts[2].corpus_words = 30_000;
    answer.counts[3].corpus_words = 0;
    let text = body(&answer, &csv::FORMAT);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec!["corpus", "total_words", "corpus_words", "per_10000_words"]
    );
    let records: Vec<(String, i64, i64, Option<f64>)> = reader.deserialize().map(Result::unwrap).collect();
    let given = records
        .iter()
        .map(|(corpus, count, all, _)| (corpus.clone(), *count, *all));
    let expected = answer.counts.iter().map(|count| {
        let corpus = count.corpus.clone().unwrap_or_default();
        (corpus, count.total_words, count.corpus_words)
    });
    assert!(given.eq(expected), "{text}");
    let rates: Vec<_> = records.iter().skip(2).map(|record| record.3).collect();
    assert_eq!(
        rates,
        [
            Some(1.67),
            None,
            Some(1.5),
            Some(1.0),
            Some(0.5),
            Some(0.0),
            Some(-0.5)
        ]
    );
    assert!(
        text.ends_with("\r\n\"\",0,20000,0.00\r\n,-1,20000,-0.50\r\n"),
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

/// As GitHub's own parser makes links.
#[test]
fn an_address_is_not_a_link_in_markdown() {
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
    assert_eq!(
        body(&empty, &csv::FORMAT),
        "corpus,total_words,corpus_words,per_10000_words\r\n"
    );
    let nothing = "\"total_words\":0,\"counts\":[],\"other_cases\":[]}\n";
    assert!(body(&empty, &json::FORMAT).ends_with(nothing));
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
        // The table and the CSV do not contain a time, so a refresh that changes nothing keeps their tags.
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

/// A tie: of the two ways to round, the formats used one each.
#[test]
fn json_and_csv_round_a_rate_alike() {
    let mut answer = answer(as_of());
    answer.counts.truncate(1);
    for count in &mut answer.counts {
        (count.total_words, count.corpus_words) = (1, 80_000);
    }
    assert!(body(&answer, &json::FORMAT).contains("\"per_10000_words\":0.13"));
    assert!(body(&answer, &csv::FORMAT).contains(",1,80000,0.13\r\n"));
}
