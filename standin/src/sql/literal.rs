//! Decodes BigQuery's literals, and writes values as SQLite literals.

use super::error::{QueryError, Result};

/// The text of a quoted string, with its escapes decoded by BigQuery's rules.
///
/// `quote` is the quote around it, or none for triple quotes, within which a single quote is allowed.
///
/// # Errors
///
/// An illegal escape, or two adjacent literals (`'it''s'`).
pub(super) fn unescape(raw: &str, quote: Option<char>) -> Result<String> {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if Some(c) == quote {
            return Err(adjacent());
        }
        if quote.is_some() && (c == '\n' || c == '\r') {
            return Err(QueryError::new("Syntax error: Unclosed string literal"));
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        let Some(kind) = chars.next() else {
            return Err(QueryError::new("Syntax error: Illegal escape sequence: \\"));
        };
        let mut code = |digits: u32, radix: u32, first: u32| {
            let mut value = first;
            for _ in 0..digits {
                value = value * radix + chars.next().and_then(|c| c.to_digit(radix))?;
            }
            char::from_u32(value)
        };
        let decoded = match kind {
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            '\\' | '?' | '"' | '\'' | '`' => Some(kind),
            // Beyond ASCII these are bytes, which a STRING cannot contain.
            'x' | 'X' => code(2, 16, 0).filter(char::is_ascii),
            'u' => code(4, 16, 0),
            'U' => code(8, 16, 0),
            '0'..='3' => code(2, 8, kind.to_digit(8).unwrap_or(0)).filter(char::is_ascii),
            _ => None,
        };
        match decoded {
            Some(c) => text.push(c),
            None => {
                return Err(QueryError::new(format!(
                    "Syntax error: Illegal escape sequence: \\{kind}"
                )));
            }
        }
    }
    Ok(text)
}

/// The text of a raw string, in which backslashes have no special meaning.
///
/// # Errors
///
/// A quote within it, or a backslash at its end, which the parser and BigQuery read differently.
pub(super) fn raw(text: &str, quote: Option<char>) -> Result<String> {
    if quote.is_some_and(|quote| text.contains(quote)) {
        return Err(adjacent());
    }
    if text.ends_with('\\') {
        return Err(QueryError::new(
            "Syntax error: A raw string must not end with a backslash",
        ));
    }
    Ok(text.to_owned())
}

fn adjacent() -> QueryError {
    QueryError::new("Syntax error: concatenated string literals must be separated by whitespace or comments")
}

/// A string as a SQLite literal.
///
/// # Errors
///
/// A NUL, which would end SQLite's text of the query.
pub(super) fn quote(text: &str) -> Result<String> {
    if text.contains('\0') {
        return Err(QueryError::unsupported("NUL in a string literal"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_bigquerys() {
        for (raw, text) in [
            (r"a\'b", "a'b"),
            (r"\x41\101\u00e9\U0001F600", "AA\u{e9}\u{1F600}"),
            (r"\n\t\\%", "\n\t\\%"),
        ] {
            assert_eq!(unescape(raw, Some('\'')).unwrap(), text);
        }
        for raw in [r"\xe9", r"\351", r"\%", r"\Z", r"\u12", r"\x4g", "it''s", "\\"] {
            assert!(unescape(raw, Some('\'')).is_err(), "{raw}");
        }
    }
}
