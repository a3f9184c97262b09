//! The service's parts, in the tests' own process: what each sends, stores, writes and serves.
//!
//! Tests that start the program as a process are in `tests/process`; limits of 300 ms are tested here.
#![cfg(test)]

mod bigquery;
mod clock;
mod credentials;
mod refresh;
mod render;
mod runtime;
mod serving;
mod sockets;
mod upstream;
