use hyper::header::HeaderValue;

use super::weighted;

/// The content codings that a request accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) gzip: bool,
    /// No encoding.
    pub(super) identity: bool,
}

/// The codings of an `Accept-Encoding`. gzip is accepted if it is named, or by `*`, with at least the quality of
/// identity. Identity is accepted unless it is refused. Without the field, only identity is accepted.
pub(super) fn accepted<'a>(accept_encoding: impl Iterator<Item = &'a HeaderValue>) -> Accepted {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for line in accept_encoding {
        for element in weighted::elements(line.as_bytes()) {
            let Some((coding, quality)) = std::str::from_utf8(element).ok().and_then(weighted::parse) else {
                continue;
            };
            if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
                gzip = Some(quality);
            } else if coding.eq_ignore_ascii_case("identity") {
                identity = Some(quality);
            } else if coding == "*" {
                any = Some(quality);
            }
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    Accepted {
        gzip: gzip > 0 && gzip >= identity.unwrap_or(0),
        identity: identity.or(any) != Some(0),
    }
}

#[cfg(test)]
mod tests {
    use std::iter::{empty, once};

    use super::*;

    #[test]
    fn the_most_specific_coding_decides() {
        for (field, gzip, identity) in [
            ("gzip, deflate, br, zstd", true, true),
            ("GZip;q=0.001", true, true),
            ("x-gzip", true, true),
            ("gzip;q=0", false, true),
            ("gzip;q=0.000, *", false, true),
            ("*", true, true),
            ("*;q=0", false, false),
            ("*;q=0, identity", false, true),
            ("*;q=0, gzip", true, false),
            ("gzip;q=0.5, identity;q=0.8", false, true),
            ("gzip;q=0.8, identity;q=0.5", true, true),
            ("gzip, identity;q=0", true, false),
            ("br, identity;q=0", false, false),
            ("br", false, true),
            ("", false, true),
            ("gzip;q=high", false, true),
            ("gzipped", false, true),
        ] {
            assert_eq!(
                accepted(once(&field.parse().unwrap())),
                Accepted { gzip, identity },
                "{field}"
            );
        }
        let none = Accepted {
            gzip: false,
            identity: true,
        };
        assert_eq!(accepted(empty()), none);
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = ["br", "gzip;q=0.3"].map(HeaderValue::from_static);
        assert!(accepted(lines.iter()).gzip);
    }
}
