//! The SQL engine and its table, without a server.
#![cfg(test)]

mod answers;
mod data_loading;
mod refusals;
mod shipped_data;
mod support;
mod types;
