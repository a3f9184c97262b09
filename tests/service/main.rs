//! The service's parts, in the tests' own process: what each sends, keeps, writes and serves.
//!
//! What starts the program as a process of its own is in `tests/process`: a process that is being started holds this
//! one's sockets for a moment, and a test that a port is free again would fail by it.
#![cfg(test)]

mod bigquery;
mod credentials;
mod refresh;
mod render;
mod runtime;
mod serving;
mod upstream;
