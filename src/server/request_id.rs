use hyper::header::{HeaderName, HeaderValue};

/// The header with a request's ID, for proxies, services and logs.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Whether a request's own ID is fit for a log line.
pub(super) fn is_sane(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    (1..=64).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// 64 random bits in hexadecimal. It identifies a request and is not a secret.
pub(super) fn new() -> HeaderValue {
    HeaderValue::try_from(format!("{:016x}", fastrand::u64(..))).unwrap_or(HeaderValue::from_static("none"))
}
