//! A BigQuery for development, tests and mock production that enforces what Google enforces.

pub mod data;
pub mod sql;
