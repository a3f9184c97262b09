//! Shows how often a word occurs in each corpus of a BigQuery table.
//!
//! Data flows one way: configuration, credentials, BigQuery, answer, rendered bytes, server.
#![cfg(unix)]

pub mod answer;
mod backoff;
pub mod bigquery;
pub mod cache;
pub mod cause;
pub mod cli;
mod client;
pub mod clock;
pub mod config;
pub mod credentials;
#[cfg(feature = "standin")]
pub mod demo;
pub mod index;
pub mod instance;
mod platform;
pub mod probe;
pub mod reason;
pub mod refresh;
pub mod reload;
pub mod render;
pub mod runtime;
pub mod secrets;
pub mod server;
pub mod shutdown;
pub mod site;
mod small_file;
pub mod static_pages;
pub mod systemd;
pub mod telemetry;
mod transport;
pub mod version;
