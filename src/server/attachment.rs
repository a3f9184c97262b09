use std::fmt::Write;

use hyper::header::HeaderValue;

use crate::config::Word;

/// The longest part of a word in a file name, in bytes: file systems allow names of 255.
const MOST: usize = 200;

/// The `Content-Disposition` (RFC 6266) of a file with a word's counts: its name in ASCII, and unchanged.
///
/// The prefix keeps the name from being one with a special meaning, such as `.`, `-` or `CON`.
pub(super) fn content_disposition(prefix: &str, word: &Word, suffix: &str) -> HeaderValue {
    let name = file_name(word.as_str());
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let mut value =
        format!("attachment; filename=\"{prefix}counts-{ascii}.{suffix}\"; filename*=UTF-8''{prefix}counts-");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value.push_str(&format!(".{suffix}"));
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The word for a file name on every system: characters that end a path, a quoted string or a command, or change the
/// text direction, become underscores.
fn file_name(word: &str) -> String {
    let mut name = String::new();
    for c in word.chars() {
        let is_fit = match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' | '$' | '`' | ';' => false,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' => false,
            '\u{61c}' | '\u{feff}' => false,
            _ => !c.is_control(),
        };
        let c = if is_fit { c } else { '_' };
        if name.len() + c.len_utf8() > MOST {
            break;
        }
        name.push(c);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> String {
        let value = content_disposition("", &word.parse().unwrap(), "csv");
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_word_is_a_files_name_whatever_it_is() {
        for (word, ascii, encoded) in [
            ("Romeo", "Romeo", "Romeo"),
            ("o'er", "o'er", "o%27er"),
            ("\u{e9}t\u{e9}", "_t_", "%C3%A9t%C3%A9"),
            ("a\"b\\c/d", "a_b_c_d", "a_b_c_d"),
            ("../../etc", ".._.._etc", ".._.._etc"),
            ("100%; rm", "100__ rm", "100__%20rm"),
            // "evil", a change of the text direction, "vsc.exe".
            ("evil\u{202e}vsc.exe", "evil_vsc.exe", "evil_vsc.exe"),
            ("\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "____", "%D7%A9%D7%9C%D7%95%D7%9D"),
        ] {
            let expected =
                format!("attachment; filename=\"counts-{ascii}.csv\"; filename*=UTF-8''counts-{encoded}.csv");
            assert_eq!(of(word), expected, "{word}");
        }
    }

    #[test]
    fn the_longest_word_fits_into_a_files_name() {
        let name = file_name(&"\u{10348}".repeat(64));
        assert_eq!(name.len(), MOST);
        assert!(of(&"\u{10348}".repeat(64)).len() < 1024);
    }
}
