use hyper::header::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries a request's id through proxies, services and logs.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's own id if it is fit for a log line, else a new one.
pub(super) fn of(headers: &HeaderMap) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(id) if is_sane(id.as_bytes()) => id.clone(),
        _ => new(),
    }
}

fn is_sane(id: &[u8]) -> bool {
    (1..=64).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// 64 random bits in hexadecimal. It tells requests apart and is not a secret.
pub(super) fn new() -> HeaderValue {
    HeaderValue::try_from(format!("{:016x}", fastrand::u64(..))).unwrap_or(HeaderValue::from_static("none"))
}
