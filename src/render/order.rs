//! The order of the corpora on a page.

/// The sort key of the rows of the HTML page, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// How often the word occurs in the corpus.
    #[default]
    Count,
    /// How often the word occurs per 10,000 words of the corpus.
    Rate,
}

impl Order {
    /// Each order, the default first.
    pub const ALL: [Self; 2] = [Self::Count, Self::Rate];

    /// The name of the order in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Rate => "rate",
        }
    }
}
