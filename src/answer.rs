//! What BigQuery answered: the counts of one word, and when they were true.

use std::time::SystemTime;

use crate::config::Word;

/// How often the word stands in one corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The corpus's name; none where the table holds NULL.
    pub corpus: Option<String>,
    /// The sum of its `word_count`s.
    pub total_words: i64,
}

/// A word's counts in the order BigQuery gave them: the largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The word that was counted.
    pub word: Word,
    /// One entry per corpus that holds the word; none if no corpus does.
    pub counts: Vec<Count>,
    /// When the job was sent, so that the data is at least this fresh.
    pub as_of: SystemTime,
}
