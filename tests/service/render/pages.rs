//! HTML pages: what they say, and that text from outside always stays text.

use std::time::{Duration, SystemTime};

use base64::Engine;
use hyper::StatusCode;
use wordtally::answer::{Answer, Count, Moment, OtherCase};
use wordtally::render::{
    Context, ErrorForm, Failure, Format, Listed, Order, Pages, State, content_security_policy, html,
    index_page, json, markdown, text,
};
use wordtally::site::{Link, Neighbours};

const HOSTILE: [&str; 7] = [
    "</pre><script>alert(1)</script>",
    "</title></text></svg><img src=x onerror=alert(1)>",
    "\" onload=\"alert(1)",
    "' onmouseover='alert(1)",
    "<!--",
    "&lt;b&gt;&amp;",
    "]]><![CDATA[<style>",
];

fn answer(word: &str, counts: &[(&str, i64)]) -> Answer {
    let counts = counts
        .iter()
        .map(|(corpus, total_words)| Count {
            corpus: Some((*corpus).to_owned()),
            total_words: *total_words,
            corpus_words: 20_000,
        })
        .collect();
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    Answer {
        word: word.parse().unwrap(),
        table: "project.dataset.table".parse().unwrap(),
        counts,
        other_cases: Vec::new(),
        sample_data: false,
        sent: Moment {
            wall,
            ..Moment::now()
        },
    }
}

/// An answer from the table whose corpora have titles.
fn shakespeare(word: &str, counts: &[(&str, i64)]) -> Answer {
    Answer {
        table: "bigquery-public-data.samples.shakespeare".parse().unwrap(),
        ..answer(word, counts)
    }
}

const ALONE: Context<'_> = Context {
    neighbours: None,
    ttl: Duration::from_secs(300),
};

fn pages(word: &str, counts: &[(&str, i64)]) -> Pages {
    Pages::new(&answer(word, counts), &ALONE).unwrap()
}

fn body(pages: &Pages, format: &Format) -> String {
    variant(pages, format, Order::Count, false)
}

fn variant(pages: &Pages, format: &Format, order: Order, stale: bool) -> String {
    let page = pages.get(format, order, stale).unwrap();
    String::from_utf8(page.identity.body.to_vec()).unwrap()
}

fn html_of(answer: &Answer) -> String {
    body(&Pages::new(answer, &ALONE).unwrap(), &html::FORMAT)
}

/// The table on the plain page, without the line end of the page.
fn table(pages: &Pages) -> String {
    body(pages, &text::FORMAT).strip_suffix('\n').unwrap().to_owned()
}

fn html(word: &str, counts: &[(&str, i64)]) -> String {
    body(&pages(word, counts), &html::FORMAT)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end)
        .unwrap_or_else(|| panic!("no {end} in {text}"))
        .0
}

/// The text that a browser shows: without tags, and with escapes decoded.
fn shown(html: &str) -> String {
    let mut text = String::new();
    for (index, piece) in html.split('<').enumerate() {
        text.push_str(if index == 0 {
            piece
        } else {
            piece.split_once('>').unwrap().1
        });
    }
    for (escaped, plain) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(escaped, plain);
    }
    text
}

/// Every tag, with its name first. In our pages no `<` or `>` occurs outside a tag, except in the style.
fn tags(html: &str) -> Vec<&str> {
    let (head, rest) = html.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    [head, body]
        .into_iter()
        .flat_map(|part| part.split('<').skip(1))
        .map(|t| t.split('>').next().unwrap())
        .collect()
}

/// A tag without the values of its attributes, all of which are in double quotes.
fn shape(tag: &str) -> String {
    tag.split('"').step_by(2).collect()
}

#[test]
fn heading_and_table_are_as_they_always_were() {
    let html = html("the", &[("hamlet", 995), ("sonnets", 431)]);
    let expected = "<h4>Amount of times 'the' appears per corpus</h4><pre>\
                    | corpus   |   total_words |\n\
                    |----------|---------------|\n\
                    | hamlet   |           995 |\n\
                    | sonnets  |           431 |</pre>";
    assert!(html.contains(expected), "{html}");
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{html}");
    assert!(html.contains("<meta charset=\"utf-8\">"), "{html}");
    assert!(
        html.contains("<title>&#39;the&#39; in each corpus</title>"),
        "{html}"
    );
    assert!(
        html.contains("<time datetime=\"2001-09-09T01:46:40Z\">9 September 2001, 01:46 UTC</time>"),
        "{html}"
    );
    assert!(html.contains("<code>project.dataset.table</code>"), "{html}");
}

#[test]
fn hostile_text_stays_text() {
    for word in HOSTILE {
        // A long word has smaller letters.
        let harmless = html(&"x".repeat(word.len()), &[("hamlet", 2); 7]);
        let counts = HOSTILE.map(|corpus| (corpus, 2));
        let pages = pages(word, &counts);
        let html = body(&pages, &html::FORMAT);
        let names = |html| tags(html).into_iter().map(shape).collect::<Vec<_>>();
        assert_eq!(
            names(&html),
            names(&harmless),
            "the tags or their attributes differ: {html}"
        );
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        let heading = shown(between(&html, "<h4>", "</h4>"));
        assert_eq!(heading, format!("Amount of times '{word}' appears per corpus"));
        assert_eq!(shown(between(&html, "<pre>", "</pre>")), table(&pages));
    }
}

#[test]
fn a_name_cannot_change_the_direction_of_its_number() {
    let counts = [("\u{202e}evil", 123), ("שלום", 45)];
    let pages = pages("\u{202e}the", &counts);
    let html = body(&pages, &html::FORMAT);
    assert_eq!(shown(between(&html, "<pre>", "</pre>")), table(&pages));
    assert!(
        html.contains("<bdi dir=\"ltr\">| \u{202e}evil   </bdi> |           123 |"),
        "{html}"
    );
    assert!(
        html.contains("'<bdi dir=\"ltr\">\u{202e}the</bdi>' appears"),
        "{html}"
    );
    assert_eq!(
        names(&html),
        [
            "<span><bdi>\u{fffd}evil</bdi></span>",
            "<span><bdi>שלום</bdi></span>"
        ]
    );
}

/// The names in a page's rows, with their tags.
fn names(page: &str) -> Vec<&str> {
    let rows = page.split("<th scope=\"row\"><div class=\"bar\">").skip(1);
    rows.map(|row| row.split("<svg").next().unwrap()).collect()
}

#[test]
fn a_row_has_a_bar_a_count_and_a_rate() {
    let page = html(
        "the",
        &[("hamlet", 1000), ("sonnets", 250), ("none", 0), ("less", -7)],
    );
    for row in [
        "<span>hamlet</span><svg aria-hidden=\"true\" width=\"100%\" height=\"8\"><rect width=\"100.0%\" height=\"8\" rx=\"1\"/></svg></div></th><td>1,000</td><td>500.0</td></tr>",
        "<rect width=\"25.0%\" height=\"8\" rx=\"1\"/></svg></div></th><td>250</td><td>125.0</td>",
        "<rect width=\"0.0%\" height=\"8\" rx=\"1\"/></svg></div></th><td>0</td><td>0.0</td>",
        "<rect width=\"0.0%\" height=\"8\" rx=\"1\"/></svg></div></th><td>-7</td><td>-3.5</td>",
    ] {
        assert!(page.contains(row), "{row} in {page}");
    }
    assert!(
        page.contains("<caption>How often 'the' appears, highest count first</caption>"),
        "{page}"
    );
    assert!(page.contains("<th scope=\"col\">Corpus</th>"), "{page}");
}

#[test]
fn the_works_of_the_sample_table_have_titles() {
    let page = html_of(&shakespeare(
        "the",
        &[("2kinghenryiv", 2), ("sonnets", 1), ("apocrypha", 1)],
    ));
    assert_eq!(
        names(&page),
        [
            "<span>Henry IV, Part 2</span> <small>2kinghenryiv · 1598</small>",
            "<span>Sonnets</span> <small>sonnets</small>",
            "<span>apocrypha</span>"
        ]
    );
    for part in [
        "<h1>'the' <span class=\"soft\">in Shakespeare&#39;s works</span></h1>",
        "<strong>4</strong> times in 3 works</p>",
        "<th scope=\"col\">Work</th>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let other = html("the", &[("hamlet", 2)]);
    assert!(
        !other.contains("Shakespeare") && !other.contains("1600"),
        "{other}"
    );
}

#[test]
fn the_rate_has_an_order_of_its_own() {
    let mut by_length = answer(
        "the",
        &[("long", 900), ("short", 100), ("empty", 7), ("shorter", 50)],
    );
    for (count, words) in by_length.counts.iter_mut().zip([90_000, 5_000, 0, 1_000]) {
        count.corpus_words = words;
    }
    let pages = Pages::new(&by_length, &ALONE).unwrap();
    let by_count = body(&pages, &html::FORMAT);
    let by_rate = variant(&pages, &html::FORMAT, Order::Rate, false);
    let span = |name| format!("<span>{name}</span>");
    assert_eq!(names(&by_count), ["long", "short", "empty", "shorter"].map(span));
    assert_eq!(names(&by_rate), ["shorter", "short", "long", "empty"].map(span));
    assert!(
        by_rate.contains(
            "<rect width=\"40.0%\" height=\"8\" rx=\"1\"/></svg></div></th><td>100</td><td>200.0</td>"
        ),
        "{by_rate}"
    );
    assert!(by_rate.contains("<td>7</td><td>–</td>"), "{by_rate}");
    let mut rates = answer("the", &[("often", 50_000), ("rarely", 1)]);
    for (count, words) in rates.counts.iter_mut().zip([100_000, 1_000_000]) {
        count.corpus_words = words;
    }
    let page = html_of(&rates);
    assert!(
        page.contains("<td>5,000.0</td>") && page.contains("<td>1</td><td>&lt;0.1</td>"),
        "{page}"
    );
    for (page, sorted, link) in [
        (&by_count, "Times", "<a href=\"?order=rate\">"),
        (&by_rate, "Per\u{a0}10,000 words", "<a href=\"?order=count\">"),
    ] {
        assert_eq!(page.matches("aria-sort").count(), 1);
        assert!(
            page.contains(&format!("<th scope=\"col\" aria-sort=\"descending\">{sorted}<")),
            "{page}"
        );
        assert!(page.contains(link), "{page}");
    }
    let json = |order| variant(&pages, &json::FORMAT, order, true);
    assert_eq!(
        json(Order::Count),
        json(Order::Rate),
        "other formats have one page"
    );
}

#[test]
fn a_page_shows_what_must_not_be_overlooked() {
    let fresh = answer("the", &[("hamlet", 995)]);
    let pages = Pages::new(&fresh, &ALONE).unwrap();
    let note = "<strong>Not up to date.</strong>";
    for order in Order::ALL {
        assert!(!variant(&pages, &html::FORMAT, order, false).contains(note));
        assert!(variant(&pages, &html::FORMAT, order, true).contains(note));
    }
    let banner = "<strong>Sample data, from the stand-in.</strong>";
    assert!(!html_of(&fresh).contains(banner));
    let sample = Answer {
        sample_data: true,
        ..fresh
    };
    let page = html_of(&sample);
    let (before, _) = page.split_once(banner).expect("a banner");
    assert!(!before.contains("<h1>"), "{page}");
    assert!(
        body(&Pages::new(&sample, &ALONE).unwrap(), &markdown::FORMAT)
            .contains("\n\n**Sample data, from the stand-in.**")
    );
}

#[test]
fn the_total_and_the_date_come_before_the_table() {
    let page = html("the", &[("hamlet", 995), ("sonnets", 431)]);
    let places = [
        "<h1>",
        "<strong>1,426</strong> times in 2 corpora</p>",
        "Data as of <time",
        "Only this exact spelling counts",
        "refreshed every 5 minutes.",
        "<table",
        "<details>",
    ]
    .map(|part| page.find(part).unwrap_or_else(|| panic!("{part} in {page}")));
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn other_cases_of_the_word_are_listed() {
    let other_cases = |words: &[&str]| {
        let totals = (1..).map(|number| 300 - 99 * number);
        words
            .iter()
            .zip(totals)
            .map(|(word, total_words)| OtherCase {
                word: (*word).to_owned(),
                total_words,
            })
            .collect()
    };
    let nowhere = Answer {
        other_cases: other_cases(&["Romeo", "<b>"]),
        ..answer("romeo", &[])
    };
    let page = html_of(&nowhere);
    assert!(
        page.contains(
            "<p class=\"lead\">'romeo' appears nowhere. With different capitals: 'Romeo', 201 times and '&lt;b&gt;', 102 times.</p>"
        ),
        "{page}"
    );
    assert!(!page.contains("<table"), "{page}");
    let both = Answer {
        other_cases: other_cases(&["LOVE", "Love", "lOve", "loVe", "lovE", "LOve", "LOVe"]),
        ..answer("love", &[("hamlet", 2)])
    };
    let page = html_of(&both);
    assert!(
        page.contains("<p>Not counted here: 'LOVE', 201 times, 'Love', 102 times, "),
        "{page}"
    );
    assert!(page.contains(" and 2 more.</p>"), "{page}");
    assert!(html("love", &[]).contains("<p class=\"lead\">'love' appears nowhere.</p>"));
}

#[test]
fn a_page_leads_to_the_others() {
    let link = |word: &str, url: &str| Link {
        word: word.to_owned(),
        url: url.to_owned(),
    };
    let neighbours = Neighbours {
        index: "/".to_owned(),
        previous: Some(link("<the>", "/the/?a&\"b")),
        next: Some(link("שלום", "/next/")),
    };
    let context = Context {
        neighbours: Some(&neighbours),
        ..ALONE
    };
    let answer = answer("love", &[("hamlet", 2)]);
    let page = body(&Pages::new(&answer, &context).unwrap(), &html::FORMAT);
    for part in [
        "<link rel=\"prev\" href=\"/the/?a&amp;&quot;b\">",
        "<link rel=\"next\" href=\"/next/\">",
        "<link rel=\"alternate\" type=\"text/csv\" href=\"counts.csv\" title=\"CSV\">",
        "<a href=\"/\">All words</a>",
        "<a rel=\"prev\" href=\"/the/?a&amp;&quot;b\"><span aria-hidden=\"true\">← </span><span class=\"hint\">Previous: </span>&lt;the&gt;</a>",
        "<a rel=\"next\" href=\"/next/\"><span class=\"hint\">Next: </span><bdi>שלום</bdi>",
        "<a href=\"counts.csv\">CSV</a>",
        "<a href=\"counts.json\">JSON</a>",
        "<a href=\"counts.md\">Markdown</a>",
        "<a href=\"counts.txt\">Plain text</a>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(
        !html_of(&answer).contains("<nav"),
        "an instance alone knows no others"
    );
}

#[test]
fn a_page_stays_small_and_says_what_it_leaves_out() {
    let names: Vec<String> = (0..10_000).map(|row| format!("{row:<64}")).collect();
    let many: Vec<(&str, i64)> = names
        .iter()
        .map(|name| (name.as_str(), i64::MAX / 10_000))
        .collect();
    for (counts, left_out) in [(&many[..], true), (&many[..100], false)] {
        let page = html("the", counts);
        let rows = page.matches("<th scope=\"row\">").count();
        assert!(page.len() < 300_000, "{}", page.len());
        let note = format!("The table shows the first {rows} of 10,000 rows.");
        assert_eq!(page.contains(&note), left_out, "{rows} rows");
        assert_eq!(page.contains("The table is too long for this page"), left_out);
        assert_eq!(page.contains("<pre>"), !left_out);
        assert_eq!(rows == counts.len(), !left_out);
    }
    let short: Vec<(&str, i64)> = vec![("n", 1); 2000];
    assert_eq!(html("the", &short).matches("<th scope=\"row\">").count(), 1000);
    let long = "&".repeat(1_000_000);
    let page = html("the", &[(long.as_str(), 1)]);
    assert!(page.len() < 20_000, "{}", page.len());
    assert_eq!(
        names_of_one(&page),
        format!("<span>{}…</span>", "&amp;".repeat(200))
    );
}

fn names_of_one(page: &str) -> String {
    names(page).concat()
}

#[test]
fn the_policy_allows_each_pages_style_and_nothing_else() {
    let policy = content_security_policy();
    let answer = html("the", &[("hamlet", 995)]);
    let error = ErrorForm::Html.write(&Failure {
        status: StatusCode::NOT_FOUND,
        sentence: "No such page.",
        home: "./",
        request_id: None,
        retry_after: None,
    });
    let (_, index) = index_page(
        &[Listed {
            word: "the".to_owned(),
            url: "/the/".to_owned(),
            state: State::Unavailable,
        }],
        &html::FORMAT,
    );
    for page in [answer, error, String::from_utf8(index.to_vec()).unwrap()] {
        assert_eq!(page.matches("<style").count(), 1);
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            between(&page, "<style>", "</style>").as_bytes(),
        );
        let hash = base64::engine::general_purpose::STANDARD.encode(digest);
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'"
            )
        );
        for tag in tags(&page).into_iter().map(shape) {
            assert!(
                !tag.contains("style=") && !tag.contains(" on") && !tag.contains("src="),
                "{tag}"
            );
        }
    }
}
