//! HTML pages: what they say, and that nothing in them can be anything but text.

use std::time::{Duration, SystemTime};

use base64::Engine;
use hyper::StatusCode;
use wordtally::answer::{Answer, Count, Moment};
use wordtally::render::{
    ErrorForm, Failure, Format, Listed, Pages, State, content_security_policy, html, index_page, text,
};

const HOSTILE: [&str; 7] = [
    "</pre><script>alert(1)</script>",
    "</title></text></svg><img src=x onerror=alert(1)>",
    "\" onload=\"alert(1)",
    "' onmouseover='alert(1)",
    "<!--",
    "&lt;b&gt;&amp;",
    "]]><![CDATA[<style>",
];

fn pages(word: &str, counts: &[(&str, i64)]) -> Pages {
    let counts = counts
        .iter()
        .map(|(corpus, total_words)| Count {
            corpus: Some((*corpus).to_owned()),
            total_words: *total_words,
            corpus_words: 20_000,
        })
        .collect();
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let answer = Answer {
        word: word.parse().unwrap(),
        table: "project.dataset.table".parse().unwrap(),
        counts,
        other_cases: Vec::new(),
        sample_data: false,
        sent: Moment {
            wall,
            ..Moment::now()
        },
    };
    Pages::new(&answer).unwrap()
}

fn body(pages: &Pages, format: &Format) -> String {
    String::from_utf8(pages.get(format).unwrap().identity.body.to_vec()).unwrap()
}

/// The plain page's table: its line end is the page's own.
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

/// The text that a browser shows: without tags, and with what was escaped as it was.
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

/// Every tag, its name first. In our pages no `<` or `>` stands outside a tag, but for the style.
fn tags(html: &str) -> Vec<&str> {
    let (head, rest) = html.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    [head, body]
        .into_iter()
        .flat_map(|part| part.split('<').skip(1))
        .map(|t| t.split('>').next().unwrap())
        .collect()
}

/// A tag without the values of its attributes, which all stand in double quotes.
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
    assert!(html.contains("<title>&#39;the&#39; per corpus</title>"), "{html}");
    assert!(
        html.contains("<time datetime=\"2001-09-09T01:46:40Z\">9 September 2001, 01:46 UTC</time>"),
        "{html}"
    );
    assert!(html.contains("1,426 times in 2 corpora"), "{html}");
    assert!(html.contains("<code>project.dataset.table</code>"), "{html}");
}

#[test]
fn hostile_text_stays_text() {
    let harmless = html("the", &[("hamlet", 2); 7]);
    for word in HOSTILE {
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
fn a_name_cannot_turn_its_number() {
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
    let chart = between(&html, "<svg", "</svg>");
    assert!(
        chart.contains(">\u{fffd}evil</text>") && !chart.contains('\u{202e}'),
        "{chart}"
    );
}

#[test]
fn the_chart_has_a_bar_for_each_count() {
    let html = html(
        "the",
        &[("hamlet", 1000), ("sonnets", 250), ("none", 0), ("less", -7)],
    );
    let chart = between(&html, "<svg", "</svg>");
    let widths: Vec<f64> = chart
        .split("<rect ")
        .skip(1)
        .map(|bar| between(bar, "width=\"", "%\"").parse().unwrap())
        .collect();
    let [full, quarter, zero, negative] = widths.as_slice() else {
        panic!("{chart}")
    };
    assert!(*full > 40.0 && *full < 65.0, "{chart}");
    assert!((full / quarter - 4.0).abs() < 0.01, "{chart}");
    assert_eq!((*zero, *negative), (0.0, 0.0));
    assert!(
        chart.contains("<title>hamlet: 1,000</title>") && chart.contains(">-7</text>"),
        "{chart}"
    );
    assert!(
        chart.contains("role=\"img\" aria-labelledby=\"chart-title chart-desc\""),
        "{chart}"
    );
    assert!(
        chart.contains("<title id=\"chart-title\">") && chart.contains("<desc id=\"chart-desc\">"),
        "{chart}"
    );
}

#[test]
fn the_chart_is_bounded() {
    let long = "long".repeat(1000);
    let many: Vec<(&str, i64)> = (0..150).map(|n| (long.as_str(), i64::MAX - n)).collect();
    let html = html("the", &many);
    assert_eq!(html.matches("<rect ").count(), 100);
    assert!(html.contains(
        "<figcaption>A bar chart of the table's first 100 numbers; it holds 50 more.</figcaption>"
    ));
    assert!(html.contains(">longlonglonglonglongl…</text>"));
    assert!(
        html.contains("x=\"35%\" y=\"4\" width=\"24.00%\""),
        "room for 25 characters beside it"
    );
}

#[test]
fn the_policy_allows_each_pages_style_and_nothing_else() {
    let policy = content_security_policy();
    let answer = html("the", &[("hamlet", 995)]);
    let error = ErrorForm::Html.write(&Failure {
        status: StatusCode::NOT_FOUND,
        sentence: "No such page.",
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
