//! What a format is: its name, its media type, and how it writes an answer.

use std::fmt;

use hyper::header::HeaderValue;

use super::report::Report;

/// A form in which an answer is served. Each is the `FORMAT` of a module of its own, and a line in
/// [`FORMATS`](super::FORMATS).
pub struct Format {
    /// Its short name, as a file's suffix has it.
    pub name: &'static str,
    /// The media type with its parameters, as `Content-Type` names it.
    pub content_type: &'static str,
    /// What is in it, in a few words of Markdown: its line in the reference.
    pub content: &'static str,
    /// Writes an answer.
    pub(super) answer: fn(&Report<'_>) -> String,
}

impl Format {
    /// The media type without parameters, as `Accept` names it.
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

/// A name stands for one format.
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
