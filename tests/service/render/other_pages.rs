//! The pages that hold no answer: errors, and the index over several instances.

use hyper::StatusCode;
use wordtally::render::{csv, error_page, html, index_page, json, markdown, text};

#[test]
fn an_error_page_says_its_sentence_in_the_format_wished() {
    let page = |format| {
        let (format, body) = error_page(StatusCode::SERVICE_UNAVAILABLE, format, "No <answer> \"yet\".");
        (format, String::from_utf8(body.to_vec()).unwrap())
    };
    let (format, html) = page(&html::FORMAT);
    assert_eq!(format, &html::FORMAT);
    assert!(
        html.contains("<h1>503 Service Unavailable</h1>\n<p>No &lt;answer&gt; &quot;yet&quot;.</p>"),
        "{html}"
    );
    let json = "{\"error\":{\"code\":503,\"message\":\"No <answer> \\\"yet\\\".\"}}\n";
    assert_eq!(page(&json::FORMAT), (&json::FORMAT, json.to_owned()));
    for other in [&csv::FORMAT, &markdown::FORMAT, &text::FORMAT] {
        let text = "503 Service Unavailable: No <answer> \"yet\".\n";
        assert_eq!(page(other), (&text::FORMAT, text.to_owned()));
    }
}

#[test]
fn the_index_links_each_word() {
    let page = index_page(&[
        ("the".to_owned(), "http://127.0.0.1:1/".to_owned()),
        ("<b>\"".to_owned(), "http://127.0.0.1:2/?a&\"b".to_owned()),
    ]);
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(
        page.contains("<a href=\"http://127.0.0.1:1/\"><bdi>the</bdi>"),
        "{page}"
    );
    assert!(
        page.contains("<a href=\"http://127.0.0.1:2/?a&amp;&quot;b\"><bdi>&lt;b&gt;&quot;</bdi>"),
        "{page}"
    );
}
