//! What several formats say about an answer beside its counts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::answer::{Answer, Count};
use crate::config::Table;

/// The last second with a year of four digits, since 1970.
const LAST_SECOND: u64 = 253_402_300_799;

/// An answer as it is shown.
pub(super) struct Facts<'a> {
    /// The word that was counted.
    pub(super) word: &'a str,
    /// The table that was asked.
    pub(super) source: &'a Table,
    /// The counts in their order.
    pub(super) counts: &'a [Count],
    /// When the job was sent: RFC 3339, UTC, whole seconds.
    pub(super) as_of: String,
    /// The counts' sum.
    pub(super) total: i128,
}

impl<'a> Facts<'a> {
    /// Reads an answer.
    pub(super) fn new(answer: &'a Answer) -> Self {
        Self {
            word: answer.word.as_str(),
            source: &answer.table,
            counts: &answer.counts,
            as_of: rfc3339(answer.sent.wall),
            total: answer
                .counts
                .iter()
                .map(|count| i128::from(count.total_words))
                .sum(),
        }
    }

    /// The sum in words, such as `1,023 times in 2 corpora`.
    pub(super) fn summary(&self) -> String {
        let times = if self.total == 1 { "time" } else { "times" };
        let corpora = if self.counts.len() == 1 {
            "corpus"
        } else {
            "corpora"
        };
        format!(
            "{} {times} in {} {corpora}",
            grouped(self.total),
            grouped(self.counts.len() as i128)
        )
    }

    /// `as_of` for people.
    pub(super) fn as_of_words(&self) -> String {
        self.as_of.replace('T', " ").replace('Z', " UTC")
    }
}

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

fn rfc3339(time: SystemTime) -> String {
    // Outside these bounds the formatter fails: a clock may be wrong, a page is still to be had.
    let last = UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
    humantime::format_rfc3339_seconds(time.clamp(UNIX_EPOCH, last)).to_string()
}
