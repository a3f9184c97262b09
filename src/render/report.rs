//! An answer prepared for all formats: values that each of them would otherwise compute.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::answer::{Answer, Count, OtherCase};
use crate::config::Table;
use crate::site::Neighbours;

use super::order::Order;
use super::wording::{counted, date, grouped};
use super::{Context, table, works};

/// The last second of the year 9999, in Unix time: dates have years of four digits.
const LAST_SECOND: u64 = 253_402_300_799;

/// An answer prepared for every format.
pub(super) struct Report<'a> {
    /// The word that was counted.
    pub(super) word: &'a str,
    /// The table that was queried.
    pub(super) table: &'a Table,
    /// The counts in their order.
    pub(super) counts: &'a [Count],
    /// The other cases of the word that occur, the most frequent first.
    pub(super) other_cases: &'a [OtherCase],
    /// Whether the numbers are the stand-in's.
    pub(super) sample_data: bool,
    /// Whether the corpora are Shakespeare's works, which have titles and years.
    pub(super) has_works: bool,
    /// The neighbouring words.
    pub(super) neighbours: Option<&'a Neighbours>,
    /// How often the answer is refreshed.
    pub(super) ttl: Duration,
    /// The order of the rows of the HTML page.
    pub(super) order: Order,
    /// Whether the HTML page is the one for an answer that is older than its TTL.
    pub(super) stale: bool,
    /// When the job was sent: RFC 3339, UTC, whole seconds.
    pub(super) as_of: String,
    /// The sum of the counts.
    pub(super) total: i128,
    /// The counts as a `tabulate` table, without a final line end; empty without counts.
    pub(super) tabulated: String,
}

impl<'a> Report<'a> {
    /// Prepares an answer.
    pub(super) fn new(answer: &'a Answer, context: &Context<'a>) -> Self {
        Self {
            word: answer.word.as_str(),
            table: &answer.table,
            counts: &answer.counts,
            other_cases: &answer.other_cases,
            sample_data: answer.sample_data,
            has_works: works::are_in(&answer.table),
            neighbours: context.neighbours,
            ttl: context.ttl,
            order: Order::default(),
            stale: false,
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
        let (total, rest) = self.summary_parts();
        format!("{total} {rest}")
    }

    /// The same with the number separate.
    pub(super) fn summary_parts(&self) -> (String, String) {
        let times = if self.total == 1 { "time" } else { "times" };
        let (one, many) = self.things();
        let places = counted(self.counts.len() as i128, one, many);
        (grouped(self.total), format!("{times} in {places}"))
    }

    /// The word for a corpus, in singular and plural.
    pub(super) fn things(&self) -> (&'static str, &'static str) {
        if self.has_works {
            ("work", "works")
        } else {
            ("corpus", "corpora")
        }
    }

    /// `as_of` for people.
    pub(super) fn as_of_words(&self) -> String {
        date(&self.as_of)
    }
}

/// How often the word occurs per 10,000 words of the corpus; none if the corpus has no words.
pub(super) fn rate(count: &Count) -> Option<f64> {
    (count.corpus_words > 0).then(|| 10_000.0 * count.total_words as f64 / count.corpus_words as f64)
}

/// The same for programs, to two places. Both formats round here; otherwise they would differ in ties.
pub(super) fn rounded_rate(count: &Count) -> Option<f64> {
    rate(count).map(|rate| (rate * 100.0).round() / 100.0)
}

fn rfc3339(time: SystemTime) -> String {
    // Outside these bounds the formatter fails. A clock may be wrong, but a page must still be served.
    let last = UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
    humantime::format_rfc3339_seconds(time.clamp(UNIX_EPOCH, last)).to_string()
}
