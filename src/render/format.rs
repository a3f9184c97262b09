//! A format: its name, its media type, and how it writes an answer.

use std::fmt;

use hyper::header::HeaderValue;

use super::report::Report;

/// A format in which an answer is served. Each is the `FORMAT` of its own module, and a line in
/// [`FORMATS`](super::FORMATS).
pub struct Format {
    /// Its short name, which is also the suffix of its files.
    pub name: &'static str,
    /// The media type with its parameters, for `Content-Type`.
    pub content_type: &'static str,
    /// Its content in a few words of Markdown, for its line in the reference.
    pub content: &'static str,
    /// Writes an answer.
    pub(super) answer: fn(&Report<'_>) -> String,
}

impl Format {
    /// The media type without parameters, as in `Accept`.
    pub fn media_type(&self) -> &'static str {
        match self.content_type.split_once(';') {
            Some((media_type, _)) => media_type,
            None => self.content_type,
        }
    }

    /// The value of `Content-Type`.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_static(self.content_type)
    }
}

/// A name identifies a format.
impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
