//! The words, and the form of names and numbers, that several formats share.

/// The heading over a word, which is escaped already if need be.
pub(super) fn heading(word: &str) -> String {
    format!("Amount of times '{word}' appears per corpus")
}

/// What an empty answer says of a word, which is escaped already if need be.
pub(super) fn none_found(word: &str) -> String {
    format!("'{word}' appears in no corpus.")
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One line of text fit for show: control characters, and those that turn the reading direction, become U+FFFD.
pub(super) fn line(text: &str) -> String {
    let unsafe_to_show = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if unsafe_to_show(c) { '\u{fffd}' } else { c })
        .collect()
}
