//! Asks BigQuery for a word's counts.

mod error;

pub use error::{Error, Reason};
