//! An answer in each format, and the pages without one.

mod formats;
mod other_pages;
mod pages;
mod table;
