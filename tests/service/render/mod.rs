//! An answer as each format writes it, and the pages that hold none.

mod formats;
mod other_pages;
mod pages;
mod table;
