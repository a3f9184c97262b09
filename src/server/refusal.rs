use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::{Method, Request, StatusCode, Version};

/// The longest request target, in bytes. Ours have at most 8.
const MAX_TARGET: usize = 1024;

/// A request that is not served, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) sentence: &'static str,
    /// Whether what follows on the connection can't be trusted to be a request.
    pub(super) close: bool,
}

impl Refusal {
    /// Finds what is wrong with a request's framing, host, target or method.
    pub(super) fn of<B>(request: &Request<B>) -> Option<Self> {
        let headers = request.headers();
        // hyper drops Content-Length where both are given, so that the two together can't be told from a
        // chunked body alone. Neither is served.
        if headers.contains_key(TRANSFER_ENCODING) {
            return Self::closing(
                StatusCode::BAD_REQUEST,
                "A request body is not accepted: send the request without Transfer-Encoding.",
            );
        }
        if headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes().iter().any(|digit| *digit != b'0'))
        {
            return Self::closing(
                StatusCode::PAYLOAD_TOO_LARGE,
                "A request body is not accepted: send the request without one.",
            );
        }
        if let Some(sentence) = host_fault(headers, request.version()) {
            return Self::closing(StatusCode::BAD_REQUEST, sentence);
        }
        let uri = request.uri();
        if uri.path().len() + uri.query().map_or(0, str::len) > MAX_TARGET {
            return Self::closing(
                StatusCode::URI_TOO_LONG,
                "The address is too long: nothing here needs more than a few letters.",
            );
        }
        // A bare host is CONNECT's form and a star OPTIONS's; hyper takes them with any method.
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
            });
        }
        None
    }

    fn closing(status: StatusCode, sentence: &'static str) -> Option<Self> {
        Some(Self {
            status,
            sentence,
            close: true,
        })
    }
}

fn host_fault(headers: &HeaderMap, version: Version) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => Some("The Host header is missing: send exactly one."),
        (None, _) => None,
        (Some(_), Some(_)) => Some("There are several Host headers: send exactly one."),
        (Some(host), None) if is_host(host.as_bytes()) => None,
        (Some(_), None) => Some("The Host header is not a host: send a name or address, with a port if any."),
    }
}

/// Whether the text may be a host and port. Which one does not matter here: it is never looked at.
fn is_host(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte))
}
