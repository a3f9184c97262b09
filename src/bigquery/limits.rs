//! How much of an answer is taken.

/// The most rows of a whole answer, since each page of ours holds them all.
pub(super) const MAX_ROWS: usize = 10_000;
/// The rows that are asked for in one page: at some 120 bytes a row, a page is a ninth of what is taken.
pub(super) const PAGE_ROWS: i32 = 1_000;
/// The most bytes of one page: a thousand rows whose corpora have a thousand bytes each.
pub(super) const PAGE_BYTES: usize = 1024 * 1024;
/// The most bytes of a refusal. Google's have about one thousand.
pub(super) const REFUSAL_BYTES: usize = 64 * 1024;
/// The most columns of a row. The query makes two.
pub(super) const MAX_COLUMNS: usize = 8;
/// The most pages of one answer: a page may be empty, so that the rows alone don't bound them.
pub(super) const MAX_PAGES: usize = 100;
