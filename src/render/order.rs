//! In which order a page lists the corpora.

/// What the rows of the HTML page are sorted by, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// How often the word occurs in the corpus.
    #[default]
    Count,
    /// How often it stands among 10,000 words of the corpus.
    Rate,
}

impl Order {
    /// Each order, the default first.
    pub const ALL: [Self; 2] = [Self::Count, Self::Rate];

    /// Its name in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Rate => "rate",
        }
    }
}
