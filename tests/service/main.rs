//! The service's parts, in the tests' own process: what each sends, keeps, writes and serves.
//!
//! What starts the program as a process of its own is in `tests/process`: limits of 300 ms are tried here.
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
