//! The forms of an error.

use hyper::header::HeaderValue;

use super::failure::Failure;
use super::format::Format;
use super::{html, problem, text};

/// A form of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// A page.
    Html,
    /// RFC 9457's problem details.
    Problem,
    /// One line, for formats without their own form of an error, and if the client's format is unknown.
    PlainText,
}

/// The form for each media type, the default first. The media types of all formats are among them.
pub const ERROR_FORMS: &[(&str, ErrorForm)] = &[
    ("text/html", ErrorForm::Html),
    ("application/json", ErrorForm::Problem),
    ("application/problem+json", ErrorForm::Problem),
    ("text/plain", ErrorForm::PlainText),
    ("text/csv", ErrorForm::PlainText),
    ("text/markdown", ErrorForm::PlainText),
];

impl ErrorForm {
    /// The form for a client that asked for this format.
    pub fn of(format: &Format) -> Self {
        let mut forms = ERROR_FORMS.iter();
        let form = forms.find(|(media_type, _)| *media_type == format.media_type());
        form.map_or(Self::PlainText, |(_, form)| *form)
    }

    /// The value of `Content-Type`.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Html => html::FORMAT.content_type,
            Self::Problem => "application/problem+json",
            Self::PlainText => text::FORMAT.content_type,
        })
    }

    /// Writes an error.
    pub fn write(self, failure: &Failure<'_>) -> String {
        match self {
            Self::Html => html::error(failure),
            Self::Problem => problem::problem(failure),
            Self::PlainText => text::error(failure),
        }
    }
}
