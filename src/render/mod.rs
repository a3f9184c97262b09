//! Turns an answer into the bytes of every page, once per answer. Pure: the same answer gives the same bytes.

mod chart;
mod csv;
mod error;
mod escape;
mod facts;
mod html;
mod index;
mod json;
mod markdown;
mod numeric;
mod table;

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::answer::Answer;

use facts::Facts;

pub use error::error_page;
pub use html::content_security_policy;
pub use index::index_page;

/// The forms in which an answer is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `text/html`: heading, table and chart.
    Html,
    /// `application/json`.
    Json,
    /// `text/csv`.
    Csv,
    /// `text/markdown`: the table.
    Markdown,
    /// `text/plain`: the table and a line end.
    Text,
}

impl Format {
    /// Every format, the default first.
    pub const ALL: [Self; 5] = [Self::Html, Self::Json, Self::Csv, Self::Markdown, Self::Text];

    /// The media type without parameters, as `Accept` names it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html",
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Markdown => "text/markdown",
            Self::Text => "text/plain",
        }
    }

    /// The media type with its parameters, as `Content-Type` names it.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        })
    }
}

/// One rendered page.
#[derive(Debug, Clone)]
pub struct Page {
    /// A strong entity tag over the body.
    pub etag: HeaderValue,
    /// The body, shared by every response that carries it.
    pub body: Bytes,
}

impl Page {
    fn new(body: String) -> Self {
        Self {
            etag: etag(body.as_bytes()),
            body: Bytes::from(body),
        }
    }
}

/// An answer in every format, swapped whole.
#[derive(Debug, Clone)]
pub struct Pages {
    html: Page,
    json: Page,
    csv: Page,
    markdown: Page,
    text: Page,
}

impl Pages {
    /// Renders an answer in every format.
    pub fn new(answer: &Answer) -> Self {
        let facts = Facts::new(answer);
        let table = table::table(&answer.counts);
        Self {
            html: Page::new(html::answer_page(&facts, &table)),
            json: Page::new(json::answer(&facts)),
            csv: Page::new(csv::answer(&facts)),
            markdown: Page::new(markdown::answer(&facts)),
            text: Page::new(
                if table.is_empty() {
                    facts::none_found(facts.word)
                } else {
                    table
                } + "\n",
            ),
        }
    }

    /// The page in one format.
    pub fn get(&self, format: Format) -> &Page {
        match format {
            Format::Html => &self.html,
            Format::Json => &self.json,
            Format::Csv => &self.csv,
            Format::Markdown => &self.markdown,
            Format::Text => &self.text,
        }
    }
}

/// Half of the body's SHA-256 in hexadecimal, quoted.
fn etag(body: &[u8]) -> HeaderValue {
    let digest = ring::digest::digest(&ring::digest::SHA256, body);
    let hex: String = digest
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // It is always valid. Were it not, an empty value matches no request, so that nobody gets a false 304.
    HeaderValue::try_from(format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static(""))
}
