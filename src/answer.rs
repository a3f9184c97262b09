//! An answer from BigQuery: the counts of one word, the table that they are from, and when they were true.

use std::time::SystemTime;

use crate::clock::{BootTime, Clock};
use crate::config::{Table, Word};

/// How often the word occurs in one corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The name of the corpus; none if the table has NULL.
    pub corpus: Option<String>,
    /// The sum of the word's `word_count`s there.
    pub total_words: i64,
    /// The sum of all words' `word_count`s there.
    pub corpus_words: i64,
}

/// How often the word occurs in another case, such as `Romeo` for `romeo`, in all corpora.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCase {
    /// The word in that case, such as `Romeo`.
    pub word: String,
    /// The sum of its `word_count`s.
    pub total_words: i64,
}

/// One moment by both clocks, so that the age that is computed and the time that is shown cannot disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the wall clock, which may be set at any time.
    pub wall: SystemTime,
    /// By the clock that measures ages.
    pub monotonic: BootTime,
}

impl Moment {
    /// The present moment.
    pub fn now() -> Self {
        Self::by(Clock::default())
    }

    /// The present moment, with another clock for ages.
    pub fn by(clock: Clock) -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: clock.now(),
        }
    }
}

/// A word's counts in the order BigQuery gave them: the largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The word that was counted.
    pub word: Word,
    /// The table that was queried.
    pub table: Table,
    /// One entry per corpus in which the word occurs; empty if it occurs in none.
    pub counts: Vec<Count>,
    /// The other cases of the word that occur, the most frequent first.
    pub other_cases: Vec<OtherCase>,
    /// Whether the server marks its data as a sample, as the stand-in does.
    pub sample_data: bool,
    /// When the job was sent: the data is at least this fresh.
    pub sent: Moment,
}
