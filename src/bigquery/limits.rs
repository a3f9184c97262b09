//! How much of an answer is accepted.

/// The most rows of a whole answer, because each of our pages holds them all.
pub(super) const MAX_ROWS: usize = 10_000;
/// The rows to ask for per page. At some 120 bytes a row, such a page is a ninth of the limit below.
pub(super) const PAGE_ROWS: i32 = 1_000;
/// The most bytes of one page: a thousand rows with corpus names of a thousand bytes each.
pub(super) const PAGE_BYTES: usize = 1024 * 1024;
/// The most bytes of an error response. Google's have about one thousand.
pub(super) const REFUSAL_BYTES: usize = 64 * 1024;
/// The most columns of a row. The query returns two.
pub(super) const MAX_COLUMNS: usize = 8;
/// The most pages of one answer. Pages may be empty, so the limit on rows does not bound them.
pub(super) const MAX_PAGES: usize = 100;
