//! Serves how often one word stands in each corpus of a BigQuery table.
//!
//! Data flows one way: configuration, credentials, BigQuery, answer, rendered bytes, server.

pub mod answer;
mod backoff;
pub mod bigquery;
pub mod cache;
pub mod config;
pub mod credentials;
pub mod probe;
pub mod render;
pub mod server;
pub mod systemd;
pub mod telemetry;
mod transport;
