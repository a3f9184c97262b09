use std::iter::once;

use headers::{ETag, Header, IfNoneMatch};
use hyper::header::HeaderValue;

/// Whether the lines of an `If-None-Match` say that the client already has this page. The comparison is weak, as RFC
/// 9110 requires.
pub(super) fn has_already<'a>(
    mut if_none_match: impl Iterator<Item = &'a HeaderValue>,
    etag: &HeaderValue,
) -> bool {
    let Ok(known) = IfNoneMatch::decode(&mut if_none_match) else {
        return false;
    };
    ETag::decode(&mut once(etag)).is_ok_and(|etag| !known.precondition_passes(&etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> bool {
        has_already(once(&list.parse().unwrap()), &HeaderValue::from_static(r#""a""#))
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
