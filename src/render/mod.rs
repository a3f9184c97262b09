//! Turns an answer into the bytes of every page, once per answer. Pure: the same answer gives the same bytes.

mod bar;
mod chart;
pub mod csv;
mod document;
mod encoded;
mod error;
mod escape;
mod failure;
mod format;
pub mod html;
mod index;
pub mod json;
pub mod markdown;
mod numeric;
pub mod openapi;
mod order;
mod problem;
mod report;
pub mod schema;
mod table;
pub mod text;
mod wording;

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::answer::Answer;

use report::Report;

pub use document::content_security_policy;
pub use error::{ERROR_FORMS, ErrorForm};
pub use failure::Failure;
pub use format::Format;
pub use index::{Listed, State, index_page};
pub use order::Order;

/// The most bytes that all pages of one answer may take together. Two answers are held while one replaces the other.
pub const MAX_PAGES: usize = 8 * 1024 * 1024;

/// Every format, the default first. Negotiation, headers and the reference's list follow from it.
pub const FORMATS: &[Format] = &[
    html::FORMAT,
    json::FORMAT,
    csv::FORMAT,
    markdown::FORMAT,
    text::FORMAT,
];

/// The bytes of a page, as they are or encoded.
#[derive(Debug, Clone)]
pub struct Representation {
    /// A strong entity tag over the body.
    pub etag: HeaderValue,
    /// The body, shared by every response that carries it.
    pub body: Bytes,
}

impl Representation {
    fn new(body: Bytes) -> Self {
        Self {
            etag: etag(&body),
            body,
        }
    }
}

/// The pages of an answer would take more than [`MAX_PAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer's pages take more than {MAX_PAGES} bytes: it has too many rows, or too long names")]
pub struct TooLarge;

/// One rendered page.
#[derive(Debug, Clone)]
pub struct Page {
    /// As it is.
    pub identity: Representation,
    /// In gzip, where that is shorter.
    pub gzip: Option<Representation>,
}

impl Page {
    /// The page with this body.
    pub fn new(body: String) -> Self {
        Self {
            gzip: encoded::gzip(body.as_bytes()).map(Representation::new),
            identity: Representation::new(body.into()),
        }
    }

    /// The bytes of both.
    fn bytes(&self) -> usize {
        self.identity.body.len() + self.gzip.as_ref().map_or(0, |gzip| gzip.body.len())
    }
}

/// An answer in every format and encoding, swapped whole.
#[derive(Debug, Clone)]
pub struct Pages(Vec<(&'static Format, Page)>);

impl Pages {
    /// Renders an answer in every format. For a large one this takes a good part of a second.
    ///
    /// # Errors
    ///
    /// If the pages take more than [`MAX_PAGES`].
    pub fn new(answer: &Answer) -> Result<Self, TooLarge> {
        let report = Report::new(answer);
        let mut left = MAX_PAGES;
        let pages = FORMATS.iter().map(|format| {
            let page = Page::new((format.answer)(&report));
            left = left.checked_sub(page.bytes()).ok_or(TooLarge)?;
            Ok((format, page))
        });
        pages.collect::<Result<_, _>>().map(Self)
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
