//! A BigQuery for development, tests and mock production that enforces what Google enforces.

pub mod sql;
