//! The pages without an answer: errors, and the index of several instances.

use hyper::StatusCode;
use wordtally::render::{
    ErrorForm, Failure, Format, Listed, State, csv, html, index_page, json, markdown, text,
};

#[test]
fn an_error_has_its_sentence_in_the_requested_form() {
    let failure = Failure {
        status: StatusCode::SERVICE_UNAVAILABLE,
        sentence: "No <answer> \"yet\".",
        home: "../../",
        request_id: Some("a-1"),
        retry_after: Some(7),
    };
    let html = ErrorForm::Html.write(&failure);
    assert!(
        html.contains("<h1>503 Service Unavailable</h1>\n<p class=\"lead\">No &lt;answer&gt; &quot;yet&quot;.</p>\n<p><a href=\"../../\">See the counts</a></p>\n<p class=\"soft\">In the log this is request <code>a-1</code></p>"),
        "{html}"
    );
    assert_eq!(
        ErrorForm::Problem.write(&failure),
        concat!(
            r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"No <answer> \"yet\".","#,
            r#""request_id":"a-1","retry_after":7}"#,
            "\n"
        )
    );
    let text = "503 Service Unavailable: No <answer> \"yet\".\n";
    assert_eq!(ErrorForm::PlainText.write(&failure), text);
    let never = ErrorForm::Problem.write(&Failure {
        request_id: None,
        retry_after: None,
        ..failure
    });
    assert!(
        never.ends_with("\"detail\":\"No <answer> \\\"yet\\\".\"}\n"),
        "{never}"
    );
}

#[test]
fn each_format_has_its_form_of_an_error() {
    for (format, form) in [
        (&html::FORMAT, ErrorForm::Html),
        (&json::FORMAT, ErrorForm::Problem),
        (&csv::FORMAT, ErrorForm::PlainText),
        (&markdown::FORMAT, ErrorForm::PlainText),
        (&text::FORMAT, ErrorForm::PlainText),
    ] {
        assert_eq!(ErrorForm::of(format), form, "{format:?}");
    }
}

fn counted(word: &str, url: &str, total_words: i128, sample_data: bool) -> Listed {
    Listed {
        word: word.to_owned(),
        url: url.to_owned(),
        state: State::Counted {
            total_words,
            corpora: 2,
            as_of: "2001-09-09T01:46:40Z".to_owned(),
            sample_data,
        },
    }
}

fn list() -> [Listed; 3] {
    [
        counted("the", "/the/", 1426, false),
        counted("<b>\"", "http://127.0.0.1:2/?a&\"b", 713, false),
        Listed {
            word: "שלום".to_owned(),
            url: "/שלום/".to_owned(),
            state: State::Unavailable,
        },
    ]
}

fn index(listed: &[Listed], format: &'static Format) -> String {
    let (given, body) = index_page(listed, format);
    assert_eq!(given, format);
    String::from_utf8(body.to_vec()).unwrap()
}

/// The banner is about the whole page.
#[test]
fn samples_among_others_are_marked_in_their_rows() {
    let own = counted("the", "/the/", 2, false);
    let sample = counted("love", "/love/", 1, true);
    let banner = "Sample data, from the stand-in.";
    let mark = "<small>sample data</small>";
    let mixed = index(&[own.clone(), sample.clone()], &html::FORMAT);
    assert!(!mixed.contains(banner));
    assert!(
        mixed.contains(&format!("<a href=\"/love/\">love</a> {mark}")),
        "{mixed}"
    );
    assert_eq!(mixed.matches(mark).count(), 1);
    let unavailable = Listed {
        state: State::Unavailable,
        ..own.clone()
    };
    let samples = index(&[sample, unavailable.clone()], &html::FORMAT);
    assert!(samples.contains(banner) && !samples.contains(mark));
    let none = index(&[unavailable], &html::FORMAT);
    assert!(!none.contains(banner) && !none.contains(mark));
}

#[test]
fn the_index_is_a_table_of_links_and_totals() {
    let page = index(&list(), &html::FORMAT);
    for part in [
        "<h1>Words and how often they appear</h1>",
        "<th scope=\"row\"><div class=\"bar\"><a href=\"/the/\">the</a><svg aria-hidden=\"true\"",
        "<rect width=\"100.0%\"",
        "</th><td>1,426</td><td>2</td><td class=\"when\"><time datetime=\"2001-09-09T01:46:40Z\">9 September 2001, 01:46 UTC</time></td></tr>",
        "<a href=\"http://127.0.0.1:2/?a&amp;&quot;b\">&lt;b&gt;&quot;</a>",
        "<rect width=\"50.0%\"",
        "<bdi>שלום</bdi></a></div></th><td colspan=\"3\" class=\"state\">No counts yet</td>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("Sample data"), "{page}");
    let sample = index(&[counted("the", "/the/", 1, true)], &html::FORMAT);
    assert!(sample.contains("Sample data, from the stand-in."), "{sample}");
    assert!(index(&[], &html::FORMAT).contains("No word is counted here."));
}

#[test]
fn the_index_is_there_for_programs() {
    let document: serde_json::Value = serde_json::from_str(&index(&list(), &json::FORMAT)).unwrap();
    let words = document["words"].as_array().unwrap();
    assert_eq!(
        words[0],
        serde_json::json!({
            "word": "the",
            "url": "/the/",
            "state": "counted",
            "total_words": 1426,
            "corpora": 2,
            "as_of": "2001-09-09T01:46:40Z",
            "sample_data": false
        })
    );
    assert_eq!(words[1]["word"], "<b>\"");
    assert_eq!(words[2]["state"], "unavailable");
    let text = index(&list(), &text::FORMAT);
    let first = text.lines().next();
    assert_eq!(
        first,
        Some("the: 1,426 times in 2 corpora, as of 2001-09-09T01:46:40Z: /the/")
    );
    assert!(text.ends_with("שלום: no counts yet: /שלום/\n"), "{text}");
    let (format, _) = index_page(&list(), &csv::FORMAT);
    assert_eq!(format, &text::FORMAT);
}
