use hyper::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};

/// Whether `If-None-Match` says that the visitor has this page already. Weak comparison, as RFC 9110 wants it.
pub(super) fn has_already(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|line| names(line.as_bytes(), etag.as_bytes()))
}

/// Whether a list of entity tags holds this one. A tag may hold commas, so that the list is read tag by tag.
fn names(mut list: &[u8], etag: &[u8]) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    loop {
        list = list.trim_ascii_start();
        if let Some(rest) = list.strip_prefix(b",") {
            list = rest;
            continue;
        }
        list = list.strip_prefix(b"W/").unwrap_or(list);
        let Some(inner) = list.strip_prefix(b"\"") else {
            return false;
        };
        let Some(end) = inner.iter().position(|byte| *byte == b'"') else {
            return false;
        };
        // Both quotes and what is between them.
        let Some((tag, rest)) = list.split_at_checked(end + 2) else {
            return false;
        };
        if tag == etag {
            return true;
        }
        list = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_tag_in_a_list() {
        for list in [
            r#""a""#,
            r#"W/"a""#,
            r#""b", "a""#,
            r#" "b,"  ,, W/"a" "#,
            "*",
            " * ",
        ] {
            assert!(names(list.as_bytes(), br#""a""#), "{list}");
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
            assert!(!names(list.as_bytes(), br#""a""#), "{list}");
        }
    }
}
