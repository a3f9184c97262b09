//! What BigQuery answered: the counts of one word, of which table, and when they were true.

use std::time::SystemTime;

use crate::clock::{BootTime, Clock};
use crate::config::{Table, Word};

/// How often the word occurs in one corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The corpus's name; none where the table holds NULL.
    pub corpus: Option<String>,
    /// The sum of the word's `word_count`s there.
    pub total_words: i64,
    /// The sum of all words' `word_count`s there.
    pub corpus_words: i64,
}

/// How often the word occurs in another case, such as `Romeo` for `romeo`, in all corpora.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCase {
    /// The word in that case.
    pub word: String,
    /// The sum of its `word_count`s.
    pub total_words: i64,
}

/// One moment by both clocks, so that the age that is counted and the time that is shown cannot disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the clock that people read, which may be set anew at any time.
    pub wall: SystemTime,
    /// By the clock that counts ages.
    pub monotonic: BootTime,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        Self::by(Clock::default())
    }

    /// The same, with another clock for ages.
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
    /// The table that was asked.
    pub table: Table,
    /// One entry per corpus that holds the word; none if no corpus does.
    pub counts: Vec<Count>,
    /// The word's other cases that occur, the most frequent first.
    pub other_cases: Vec<OtherCase>,
    /// Whether whoever answered says that its data is a sample, as the stand-in does.
    pub sample_data: bool,
    /// When the job was sent, so that the data is at least this fresh.
    pub sent: Moment,
}
