use std::iter::once;

use headers::{ETag, Header, HeaderMapExt, IfNoneMatch};
use hyper::header::{HeaderMap, HeaderValue};

/// Whether `If-None-Match` says that the client has this page already. Weak comparison, as RFC 9110 wants it.
pub(super) fn has_already(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(known) = headers.typed_get::<IfNoneMatch>() else {
        return false;
    };
    ETag::decode(&mut once(etag)).is_ok_and(|etag| !known.precondition_passes(&etag))
}

#[cfg(test)]
mod tests {
    use hyper::header::IF_NONE_MATCH;

    use super::*;

    fn names(list: &str) -> bool {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, list.parse().unwrap())]);
        has_already(&headers, &HeaderValue::from_static(r#""a""#))
    }

    #[test]
    fn finds_a_tag_in_a_list() {
        for list in [r#""a""#, r#"W/"a""#, r#""b", "a""#, r#" "b,"  ,, W/"a" "#, "*"] {
            assert!(names(list), "{list}");
        }
    }

    #[test]
    fn finds_no_tag_that_is_not_there() {
        for list in [
            "",
            "a",
            r#""b""#,
            r#""b, "a"#,
            r#"x"a""#,
            r#""A""#,
            r#""aa""#,
            "W/",
            r#"""#,
            "*a",
        ] {
            assert!(!names(list), "{list}");
        }
    }
}
