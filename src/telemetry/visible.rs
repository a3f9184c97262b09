use std::borrow::Cow;
use std::fmt::Write;

use crate::config::LogFormat;

/// The text with an escape for each invisible character that changes what is visible: control characters, line and
/// paragraph separators, and marks that change the text direction.
pub(super) fn visible(text: &str, format: LogFormat) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match format {
            _ if !is_invisible(c) => escaped.push(c),
            LogFormat::Json => drop(write!(escaped, "\\u{:04x}", u32::from(c))),
            LogFormat::Text => escaped.extend(c.escape_default()),
        }
    }
    Cow::Owned(escaped)
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped_and_visible_ones_stay() {
        let text = "a\u{1b}[1m\u{7f}\u{85}\u{9b}\u{2028}\u{202e}\u{2069}\u{61c}\nä → 😀";
        assert_eq!(
            visible(text, LogFormat::Text),
            "a\\u{1b}[1m\\u{7f}\\u{85}\\u{9b}\\u{2028}\\u{202e}\\u{2069}\\u{61c}\\nä → 😀"
        );
        let json = visible(&text[5..], LogFormat::Json);
        let read: String = serde_json::from_str(&format!("\"{json}\"")).unwrap();
        assert_eq!(read, &text[5..]);
        assert!(!json.chars().any(is_invisible), "{json}");
        assert_eq!(visible("ä → 😀", LogFormat::Json), "ä → 😀");
    }
}
