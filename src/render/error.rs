//! A page for what can't be served.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;

use super::escape::escape;
use super::{Format, html, json};

#[derive(Serialize)]
struct Document<'a> {
    error: Failure<'a>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: u16,
    message: &'a str,
}

/// A page that says in one sentence why there is no answer, and the format it is in: HTML and JSON as wished,
/// plain text for all others. The sentence is shown as it is given, so it must hold nothing of an error's cause.
pub fn error_page(status: StatusCode, wished: Format, sentence: &str) -> (Format, Bytes) {
    let title = match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    };
    match wished {
        Format::Html => {
            let main = format!("<h1>{}</h1>\n<p>{}</p>\n", escape(&title), escape(sentence));
            (Format::Html, html::document(&title, &main).into())
        }
        Format::Json => {
            let error = Failure {
                code: status.as_u16(),
                message: sentence,
            };
            (Format::Json, json::line(&Document { error }).into())
        }
        Format::Csv | Format::Markdown | Format::Text => {
            (Format::Text, format!("{title}: {sentence}\n").into())
        }
    }
}
