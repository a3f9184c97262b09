//! Turns an answer into the bytes of every page, once per answer. It is pure: the same answer gives the same bytes.

mod bar;
pub mod csv;
mod document;
mod encoded;
mod error;
mod escape;
mod failure;
mod format;
pub mod html;
mod index;
mod index_pages;
pub mod json;
pub mod markdown;
mod neighbours;
mod numeric;
pub mod openapi;
mod order;
mod problem;
mod report;
mod rows;
pub mod schema;
mod table;
pub mod text;
mod wording;
mod works;

use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::answer::Answer;
use crate::site::Neighbours;

use report::Report;

pub use document::content_security_policy;
pub use error::{ERROR_FORMS, ErrorForm};
pub use failure::Failure;
pub use format::Format;
pub use index::{Listed, State, index_page};
pub use index_pages::IndexPages;
pub use order::Order;

/// The most bytes that all pages of one answer may take together. Two answers are in memory while one replaces the
/// other.
pub const MAX_PAGES: usize = 8 * 1024 * 1024;

/// Every format, the default first. Negotiation, headers and the list in the reference follow from it.
pub const FORMATS: &[Format] = &[
    html::FORMAT,
    json::FORMAT,
    csv::FORMAT,
    markdown::FORMAT,
    text::FORMAT,
];

/// The bytes of a page, encoded or not.
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

/// The pages of an answer would be larger than [`MAX_PAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer's pages take more than {MAX_PAGES} bytes: it has too many rows, or too long names")]
pub struct TooLarge;

/// One rendered page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Without encoding.
    pub identity: Representation,
    /// In gzip, if that is shorter.
    pub gzip: Option<Representation>,
}

impl Page {
    /// A page with this body.
    pub fn new(body: String) -> Self {
        Self {
            gzip: encoded::gzip(body.as_bytes()).map(Representation::new),
            identity: Representation::new(body.into()),
        }
    }

    /// The size of both, in bytes.
    fn bytes(&self) -> usize {
        self.identity.body.len() + self.gzip.as_ref().map_or(0, |gzip| gzip.body.len())
    }
}

/// The content of a page besides its answer.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The neighbouring words, if the instance knows them.
    pub neighbours: Option<&'a Neighbours>,
    /// How often the answer is refreshed.
    pub ttl: Duration,
}

/// The variant of an answer's page: HTML has a page for each order, and one for an answer that is not up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Variant {
    format: &'static Format,
    order: Order,
    stale: bool,
}

/// An answer in every format and encoding, replaced as a whole.
#[derive(Debug, Clone)]
pub struct Pages {
    /// Whether the numbers are the stand-in's.
    pub sample_data: bool,
    pages: Vec<(Variant, Page)>,
}

impl Pages {
    /// Renders an answer in every format. For a large answer this may take a large part of a second.
    ///
    /// # Errors
    ///
    /// If the pages would be larger than [`MAX_PAGES`].
    pub fn new(answer: &Answer, context: &Context<'_>) -> Result<Self, TooLarge> {
        let mut report = Report::new(answer, context);
        let mut left = MAX_PAGES;
        let mut pages = Vec::new();
        for variant in FORMATS.iter().flat_map(variants) {
            (report.order, report.stale) = (variant.order, variant.stale);
            let page = Page::new((variant.format.answer)(&report));
            left = left.checked_sub(page.bytes()).ok_or(TooLarge)?;
            pages.push((variant, page));
        }
        Ok(Self {
            sample_data: answer.sample_data,
            pages,
        })
    }

    /// The page in one format; none if the list has no such format. Only HTML has a page for each order, and one for an
    /// answer that is older than its TTL.
    pub fn get(&self, format: &Format, order: Order, stale: bool) -> Option<&Page> {
        let html = *format == html::FORMAT;
        let wanted = |variant: &Variant| {
            variant.format == format && (!html || (variant.order, variant.stale) == (order, stale))
        };
        let (_, page) = self.pages.iter().find(|(variant, _)| wanted(variant))?;
        Some(page)
    }
}

/// The variants of a format's page.
fn variants(format: &'static Format) -> Vec<Variant> {
    let variant = |order, stale| Variant { format, order, stale };
    if *format == html::FORMAT {
        let orders = Order::ALL.into_iter();
        orders
            .flat_map(|order| [variant(order, false), variant(order, true)])
            .collect()
    } else {
        vec![variant(Order::default(), false)]
    }
}

/// Half of the body's SHA-256 in hexadecimal, quoted.
fn etag(body: &[u8]) -> HeaderValue {
    let digest = ring::digest::digest(&ring::digest::SHA256, body);
    let half = digest
        .as_ref()
        .first_chunk()
        .map(|half| u128::from_be_bytes(*half));
    // It is always valid. If it were not, an empty value matches no request, so that no client gets a false 304.
    half.and_then(|half| HeaderValue::try_from(format!("\"{half:032x}\"")).ok())
        .unwrap_or(HeaderValue::from_static(""))
}
