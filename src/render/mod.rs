//! Turns an answer into the bytes of every page, once per answer.

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::answer::Answer;

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
    /// `text/plain`: the table.
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
}

/// One rendered page.
#[derive(Debug, Clone)]
pub struct Page {
    /// A strong entity tag over the body.
    pub etag: HeaderValue,
    /// The body, shared by every response that carries it.
    pub body: Bytes,
}

/// An answer in every format, swapped whole.
#[derive(Debug, Clone)]
pub struct Pages {}

impl Pages {
    /// Renders an answer in every format.
    pub fn new(_answer: &Answer) -> Self {
        Self {}
    }
}
