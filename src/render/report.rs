//! An answer as the formats show it: what each would have to work out, once for all.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::answer::{Answer, Count};
use crate::config::Table;

use super::table;
use super::wording::{corpora, date, times};

/// The last second with a year of four digits, since 1970.
const LAST_SECOND: u64 = 253_402_300_799;

/// An answer made ready for every format.
pub(super) struct Report<'a> {
    /// The word that was counted.
    pub(super) word: &'a str,
    /// The table that was asked.
    pub(super) table: &'a Table,
    /// The counts in their order.
    pub(super) counts: &'a [Count],
    /// When the job was sent: RFC 3339, UTC, whole seconds.
    pub(super) as_of: String,
    /// The counts' sum.
    pub(super) total: i128,
    /// The counts as `tabulate` lays them out, without a line end; empty without counts.
    pub(super) tabulated: String,
}

impl<'a> Report<'a> {
    /// Makes an answer ready.
    pub(super) fn new(answer: &'a Answer) -> Self {
        Self {
            word: answer.word.as_str(),
            table: &answer.table,
            counts: &answer.counts,
            as_of: rfc3339(answer.sent.wall),
            total: answer
                .counts
                .iter()
                .map(|count| i128::from(count.total_words))
                .sum(),
            tabulated: table::table(&answer.counts),
        }
    }

    /// The sum in words, such as `1,023 times in 2 corpora`.
    pub(super) fn summary(&self) -> String {
        format!("{} in {}", times(self.total), corpora(self.counts.len()))
    }

    /// `as_of` for people.
    pub(super) fn as_of_words(&self) -> String {
        date(&self.as_of)
    }
}

fn rfc3339(time: SystemTime) -> String {
    // Outside these bounds the formatter fails: a clock may be wrong, a page is still to be had.
    let last = UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
    humantime::format_rfc3339_seconds(time.clamp(UNIX_EPOCH, last)).to_string()
}
