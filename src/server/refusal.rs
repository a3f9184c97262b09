use hyper::header::HeaderValue;
use hyper::{Method, Request, StatusCode, Version};

use super::fields::Fields;

/// The longest request target, in bytes. Our own have at most 30.
const MAX_TARGET: usize = 1024;

/// A request that is refused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) sentence: &'static str,
    /// Whether the rest of the connection's data cannot be trusted to be a request.
    pub(super) close: bool,
    /// How many levels the address is below the counts.
    pub(super) depth: usize,
}

impl Refusal {
    /// Finds what is wrong with a request's framing, host, target or method.
    pub(super) fn of<B>(request: &Request<B>, fields: &Fields<'_>) -> Option<Self> {
        let path = request.uri().path();
        Self::fault(request, fields).map(|refusal| Self {
            // The relative link from a too long address would also be too long.
            depth: if path.len() > MAX_TARGET { 0 } else { depth(path) },
            ..refusal
        })
    }

    fn fault<B>(request: &Request<B>, fields: &Fields<'_>) -> Option<Self> {
        // hyper drops Content-Length if both fields are present, so that such a request looks like one with only a
        // chunked body. Both are refused.
        if fields.transfer_encoding {
            return Self::closing(
                StatusCode::BAD_REQUEST,
                "A request body is not accepted: send the request without Transfer-Encoding.",
            );
        }
        if fields
            .content_length
            .is_some_and(|length| length.as_bytes().iter().any(|digit| *digit != b'0'))
        {
            return Self::closing(
                StatusCode::PAYLOAD_TOO_LARGE,
                "A request body is not accepted: send the request without one.",
            );
        }
        if let Some(sentence) = host_fault(fields, request.version()) {
            return Self::closing(StatusCode::BAD_REQUEST, sentence);
        }
        let uri = request.uri();
        if uri.path().len() + uri.query().map_or(0, str::len) > MAX_TARGET {
            return Self::closing(
                StatusCode::URI_TOO_LONG,
                "The address is too long: nothing here needs more than a few letters.",
            );
        }
        // A bare host is the form for CONNECT, and `*` the form for OPTIONS; hyper accepts them with any method.
        if !uri.path().starts_with('/') && !matches!(*request.method(), Method::CONNECT | Method::OPTIONS) {
            return Self::closing(
                StatusCode::BAD_REQUEST,
                "The address is not a path: send one that starts with a slash.",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some(Self {
                status: StatusCode::METHOD_NOT_ALLOWED,
                sentence: "Only GET and HEAD are answered here.",
                close: false,
                depth: 0,
            });
        }
        None
    }

    fn closing(status: StatusCode, sentence: &'static str) -> Option<Self> {
        Some(Self {
            status,
            sentence,
            close: true,
            depth: 0,
        })
    }
}

/// How many levels a path is below the counts, as a browser resolves links from it.
pub(super) fn depth(path: &str) -> usize {
    path.matches('/').count().saturating_sub(1)
}

fn host_fault(fields: &Fields<'_>, version: Version) -> Option<&'static str> {
    match fields.host {
        None if version == Version::HTTP_11 => Some("The Host header is missing: send exactly one."),
        None => None,
        Some(_) if fields.hosts > 1 => Some("There are several Host headers: send exactly one."),
        Some(host) if is_host(host) => None,
        Some(_) => Some("The Host header is invalid: send a name or an address, with an optional port."),
    }
}

/// Whether the value may be a host and port. Which host it is does not matter: it is never resolved.
fn is_host(value: &HeaderValue) -> bool {
    !value.is_empty() && value.as_bytes().iter().all(|byte| is_of_host(*byte))
}

fn is_of_host(byte: u8) -> bool {
    // The match compiles to one table look-up; `contains` compares all characters for each dot.
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&'
        | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=' | b':' | b'[' | b']')
}
