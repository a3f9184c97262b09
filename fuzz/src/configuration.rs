use std::fmt::Display;
use std::str::FromStr;

use wordtally::config::{
    Endpoint, Invalid, Listen, Location, LogFormat, LogLevel, Project, Table, Word, parse_duration,
};

/// Any text as each value of the configuration: it is accepted unchanged, or refused in a sentence that says what is
/// expected.
pub fn configuration(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Some(word) = shown_as_read::<Word>(text) {
        assert_eq!(word.as_str(), text);
        assert!((1..=256).contains(&text.len()) && !text.contains(char::is_control));
    }
    if let Some(table) = shown_as_read::<Table>(text) {
        // It is written between backquotes.
        assert!(!table.to_string().contains(['`', '\\', '\'', '"', '\n', '\0']));
    }
    if let Some(endpoint) = shown_as_read::<Endpoint>(text) {
        let address = endpoint.v2();
        assert!(address.as_str().ends_with("/bigquery/v2"), "{address}");
        assert!(matches!(address.scheme(), "http" | "https"));
        assert!(address.query().is_none() && address.username().is_empty());
    }
    shown_as_read::<Listen>(text);
    if let Some(project) = taken::<Project>(text) {
        assert_eq!(project.as_str(), text);
        assert!(!text.contains(['/', '?', '#', '%']), "it is part of an address");
    }
    if let Some(location) = taken::<Location>(text) {
        assert_eq!(location.as_str(), text);
    }
    taken::<LogFormat>(text);
    taken::<LogLevel>(text);
    match parse_duration(text) {
        Ok(period) => assert!(!period.is_zero() && period.as_secs() <= 366 * 24 * 60 * 60),
        Err(refused) => must_say_what_is_expected(&refused, text),
    }
}

/// The value, whose displayed form must parse as the same value.
fn shown_as_read<T: FromStr<Err = Invalid> + Display + PartialEq + std::fmt::Debug>(text: &str) -> Option<T> {
    let value = taken::<T>(text)?;
    let shown = value.to_string();
    match shown.parse::<T>() {
        Ok(again) => assert_eq!(again, value),
        Err(refused) => panic!("'{text}' is shown as '{shown}', which is refused: {refused}"),
    }
    Some(value)
}

fn taken<T: FromStr<Err = Invalid>>(text: &str) -> Option<T> {
    text.parse()
        .map_err(|refused| must_say_what_is_expected(&refused, text))
        .ok()
}

fn must_say_what_is_expected(refused: &Invalid, text: &str) {
    // It may repeat the text, because its callers escape control characters when they print it.
    let own_words = refused.to_string().replace(text, "");
    assert!(
        text.len() < 16 || own_words.contains("expected "),
        "'{text}': {refused}"
    );
    crate::must_be_one_line(&format!("'{own_words}'"));
}
