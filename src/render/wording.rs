//! Wording, and the format of names and numbers, that several formats share.

use std::time::Duration;

use crate::answer::OtherCase;

/// The most other cases of a word that are listed.
const MOST_CASES: usize = 5;

/// The heading with a word, which the caller has escaped if necessary.
pub(super) fn heading(word: &str) -> String {
    format!("Amount of times '{word}' appears per corpus")
}

/// The sentence about an empty answer, with a word that the caller has escaped if necessary.
pub(super) fn none_found(word: &str) -> String {
    format!("'{word}' appears in no corpus.")
}

/// Such as `1,023 times`.
pub(super) fn times(number: i128) -> String {
    counted(number, "time", "times")
}

/// Such as `2 corpora`.
pub(super) fn corpora(number: usize) -> String {
    counted(number as i128, "corpus", "corpora")
}

/// A number and its noun in singular or plural.
pub(super) fn counted(number: i128, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// The other cases of the word, such as `'Romeo', 117 times`; none if there are none. `shown` prepares a word for the
/// format.
pub(super) fn other_cases(cases: &[OtherCase], shown: impl Fn(&str) -> String) -> Option<String> {
    let said = |case: &OtherCase| format!("'{}', {}", shown(&case.word), times(case.total_words.into()));
    let mut listed: Vec<String> = cases.iter().take(MOST_CASES).map(said).collect();
    if cases.len() > MOST_CASES {
        listed.push(format!("{} more", cases.len() - MOST_CASES));
    }
    let last = listed.pop()?;
    Some(if listed.is_empty() {
        last
    } else {
        format!("{} and {last}", listed.join(", "))
    })
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

/// An RFC 3339 timestamp for people, such as `9 September 2001, 01:46 UTC`; any other text is returned unchanged.
pub(super) fn date(rfc3339: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let read = || {
        let (day, time) = rfc3339.split_once('T')?;
        let mut parts = day.splitn(3, '-');
        let year = parts.next()?;
        let month = MONTHS.get(parts.next()?.parse::<usize>().ok()?.checked_sub(1)?)?;
        let day: u8 = parts.next()?.parse().ok()?;
        Some(format!("{day} {month} {year}, {} UTC", time.get(..5)?))
    };
    read().unwrap_or_else(|| rfc3339.to_owned())
}

/// A period in its largest whole unit, such as `5 minutes`; without the number if it is one, such as `minute`.
pub(super) fn period(period: Duration) -> String {
    const UNITS: [(u128, &str); 5] = [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1000, "second"),
        (1, "millisecond"),
    ];
    let millis = period.as_millis().max(1);
    let fitting = UNITS.iter().find(|(unit, _)| millis.is_multiple_of(*unit));
    let (unit, name) = fitting.copied().unwrap_or((1, "millisecond"));
    match millis / unit {
        1 => name.to_owned(),
        number => format!("{number} {name}s"),
    }
}

/// One line of text that is safe to show: control characters and characters that change the text direction become
/// U+FFFD.
pub(super) fn line(text: &str) -> String {
    let unsafe_to_show = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if unsafe_to_show(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_and_a_period_read_as_people_say_them() {
        assert_eq!(date("2001-09-09T01:46:40Z"), "9 September 2001, 01:46 UTC");
        for odd in ["", "2001-13-09T01:46:40Z", "2001-09-09", "2001-09-09Té"] {
            assert_eq!(date(odd), odd);
        }
        for (millis, said) in [
            (300_000, "5 minutes"),
            (60_000, "minute"),
            (90_000, "90 seconds"),
            (7_200_000, "2 hours"),
            (1, "millisecond"),
            (0, "millisecond"),
        ] {
            assert_eq!(period(Duration::from_millis(millis)), said);
        }
    }
}
