//! Turns an answer into the bytes of every page, once per answer. Pure: the same answer gives the same bytes.

mod chart;
pub mod csv;
mod error;
mod escape;
mod failure;
mod format;
pub mod html;
mod index;
pub mod json;
pub mod markdown;
mod numeric;
mod report;
mod table;
pub mod text;
mod wording;

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::answer::Answer;

use report::Report;

pub use error::error_page;
pub use format::Format;
pub use html::content_security_policy;
pub use index::index_page;

/// Every format, the default first. Negotiation, headers and the reference's list follow from it.
pub const FORMATS: &[Format] = &[
    html::FORMAT,
    json::FORMAT,
    csv::FORMAT,
    markdown::FORMAT,
    text::FORMAT,
];

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
pub struct Pages(Vec<(&'static Format, Page)>);

impl Pages {
    /// Renders an answer in every format.
    pub fn new(answer: &Answer) -> Self {
        let report = Report::new(answer);
        let pages = FORMATS
            .iter()
            .map(|format| (format, Page::new((format.answer)(&report))));
        Self(pages.collect())
    }

    /// The page in one format; none if the table has no such format.
    pub fn get(&self, format: &Format) -> Option<&Page> {
        let (_, page) = self.0.iter().find(|(known, _)| *known == format)?;
        Some(page)
    }
}

/// Half of the body's SHA-256 in hexadecimal, quoted.
fn etag(body: &[u8]) -> HeaderValue {
    let digest = ring::digest::digest(&ring::digest::SHA256, body);
    let half = digest
        .as_ref()
        .first_chunk()
        .map(|half| u128::from_be_bytes(*half));
    // It is always valid. Were it not, an empty value matches no request, so that nobody gets a false 304.
    half.and_then(|half| HeaderValue::try_from(format!("\"{half:032x}\"")).ok())
        .unwrap_or(HeaderValue::from_static(""))
}
