//! The most recently used secrets, and their removal from the log.
//!
//! An upstream may echo what it was sent. Therefore each secret is remembered when it is received or sent, and every
//! piece of it is removed from log lines. So is text that only looks like a secret.

mod known;
mod shapes;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use known::Known;

/// The replacement of a secret.
const INSTEAD: &str = "[redacted]";

static KNOWN: RwLock<Known> = RwLock::new(Known::new());

/// Keeps a secret out of the log from now on. Call it again at each use: only the last 16 secrets are remembered.
pub fn remember(secret: &str) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.remember(secret);
}

/// The text without known secrets, pieces of them, and text that has the shape of a secret.
///
/// Every piece of a known secret of at least 15 characters is found, and its beginning from 8 characters on, even if
/// the rest is cut off or escaped. Shorter secrets are not found.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut found = shapes::find(text.as_bytes());
    KNOWN
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .find(text.as_bytes(), &mut found);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_unstable_by_key(|range| range.start);
    without(text, &found).map_or(Cow::Borrowed(INSTEAD), Cow::Owned)
}

/// The text with the ranges replaced, which are sorted and may overlap. None if a range splits a character. That cannot
/// happen with secrets, which are ASCII.
fn without(text: &str, ranges: &[Range<usize>]) -> Option<String> {
    let mut rest = String::with_capacity(text.len());
    let mut done = 0;
    for range in ranges {
        if range.start >= done {
            // Two adjacent ranges become one.
            let between = text.get(done..range.start)?;
            if done == 0 || !between.is_empty() {
                rest.push_str(between);
                rest.push_str(INSTEAD);
            }
        }
        done = done.max(range.end);
    }
    rest.push_str(text.get(done..)?);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_secret_is_removed_whole_cut_or_escaped() {
        let secret = "s3cr3t/of+this=test-0123456789-abcdefghijklmnopqrstuvwxyz";
        remember(secret);
        for text in [
            format!("it says {secret}."),
            format!("{secret}{secret}"),
            // Cut off at the end, at the beginning, and at both.
            format!("it says {}", &secret[..9]),
            format!("it says {}", &secret[11..]),
            format!("it says {}", &secret[21..39]),
        ] {
            let left = redacted(&text);
            assert_eq!(left.matches(INSTEAD).count(), 1, "{text} became {left}");
            assert!(left.len() <= "it says [redacted].".len(), "{text} became {left}");
        }
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let left = redacted(&form);
        assert!(
            !left.contains("0123456789") && !left.contains("abcdefgh"),
            "{left}"
        );
        assert_eq!(redacted("nothing of it: s3cr3t"), "nothing of it: s3cr3t");
    }

    #[test]
    fn text_with_a_secrets_shape_is_removed_though_it_is_unknown() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl_x-Y";
        for (text, left) in [
            (format!("assertion={jwt}&x=1"), "assertion=[redacted]&x=1"),
            (format!("assertion%3D{jwt}\\n"), "assertion%3D[redacted]\\n"),
            (format!("half of it: {}", &jwt[..25]), "half of it: [redacted]"),
            (
                "Authorization: bearer abc/DEF+012345678==, more".to_owned(),
                "Authorization: bearer [redacted], more",
            ),
            ("token ya29.c.b0Aa_-9x!".to_owned(), "token [redacted]!"),
            ("\"1//0gAbcDefGhiJklMnoPqrStu\"".to_owned(), "\"[redacted]\""),
            ("GOCSPX-abcdefghijklmno".to_owned(), "[redacted]"),
            (
                "a -----BEGIN RSA PRIVATE KEY-----\\nMIIE/a+b\\n-----END RSA PRIVATE KEY-----\\n b"
                    .to_owned(),
                "a [redacted]\\n b",
            ),
            ("a -----BEGIN PRIVATE KEY-----\nMIIE".to_owned(), "a [redacted]"),
            (
                "…JSUzI1NiIsInR5cCI6IkpXVCJ9eyJpc3MiOiJ3b3Jk.x".to_owned(),
                "…[redacted].x",
            ),
        ] {
            assert_eq!(redacted(&text), left);
        }
        for plain in [
            "",
            "Bearer token",
            "Bearer error=invalid_token",
            "-----BEGIN CERTIFICATE-----\\nMIIE",
            "the bearer of this",
            "a keyJson",
            "äöü ya29. eyJ",
            "the job job_IuFv9GYLxYkB1xbDqHC2d0jT9yAQ was still running",
            "6f1d8a9e-2f0c-4d2b-9b1e-3f2a1b0c9d8e bqn7k3zvq0lq4mmsn1k2v6z5a8d9yq0f-wordtally",
        ] {
            assert_eq!(redacted(plain), plain);
        }
    }

    #[test]
    fn no_text_costs_more_than_its_length() {
        remember(&"abcdefgh".repeat(2000));
        remember(&"abcdefgh_".repeat(1500));
        for part in [
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----",
            "bearer+",
            "bearer ",
            "eyJ",
            "abcdefgh",
            "abcdefgh.",
            "aB1",
        ] {
            let text = part.repeat(65_536 / part.len());
            let begun = std::time::Instant::now();
            drop(redacted(&text));
            let took = begun.elapsed();
            assert!(took < std::time::Duration::from_millis(300), "{part}: {took:?}");
        }
    }

    #[test]
    fn a_secret_of_json_leaves_json() {
        remember("\",\"level\":\"INFO\"");
        let line = "{\"timestamp\":\"x\",\"level\":\"INFO\",\"message\":\"y\"}\n";
        assert_eq!(redacted(line), line);
    }
}
