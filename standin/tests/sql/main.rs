//! The SQL engine and its table, without a server.
#![cfg(test)]

mod answers;
#[path = "../../examples/compare_counts/comparison.rs"]
mod comparison;
mod data_loading;
mod refusals;
mod shipped_data;
mod support;
mod types;
