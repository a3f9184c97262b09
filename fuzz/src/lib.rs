//! The test of each fuzz target. A target takes any bytes and panics if a promise does not hold for them.
//!
//! Inputs are readable: their parts are lines, or separated by bytes that never occur in UTF-8.

mod configuration;
mod credentials;
mod negotiation;
mod pages;
mod redaction;
mod requests;
mod upstream;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

pub use configuration::configuration;
pub use credentials::credentials;
pub use negotiation::negotiation;
pub use pages::pages;
pub use redaction::redaction;
pub use requests::requests;
pub use upstream::upstream;

/// A target: its name, and its test of an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. Each has a file in `fuzz_targets` and a folder in `corpus`.
pub const TARGETS: &[Target] = &[
    ("configuration", configuration),
    ("credentials", credentials),
    ("negotiation", negotiation),
    ("pages", pages),
    ("redaction", redaction),
    ("requests", requests),
    ("upstream", upstream),
];

/// The parts of an input.
fn parts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == 0xff)
}

/// The header fields of an input, one per line, if HTTP allows them.
fn header_fields(data: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(32) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            fields.append(name, value);
        }
    }
    fields
}

/// Fails unless a message is one line, fit for a log.
fn must_be_one_line(message: &str) {
    assert!(!message.is_empty(), "an error says nothing");
    assert!(!message.contains(char::is_control), "not one line: {message:?}");
}
