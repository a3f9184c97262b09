use hyper::header::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries a request's id through proxies, services and logs.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's own id, if it is fit for a log line.
pub(super) fn of(headers: &HeaderMap) -> Option<HeaderValue> {
    headers
        .get(X_REQUEST_ID)
        .filter(|id| is_sane(id.as_bytes()))
        .cloned()
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
