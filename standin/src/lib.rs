//! A BigQuery for development, tests and mock production that enforces what Google enforces.
//!
//! [`Standin::start`] serves it in the current process; [`cli`] offers it as commands.
#![cfg(unix)]

mod app;
pub mod auth;
pub mod cli;
pub mod data;
pub mod faults;
mod files;
pub mod iam;
mod reload;
mod rest;
mod server;
pub mod sql;
mod standin;

pub use app::Counters;
pub use standin::{Options, Standin, StartError};
