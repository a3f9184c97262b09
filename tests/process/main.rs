//! The program as a process: configuration, sockets, signals, systemd, and the whole service with the stand-in as its
//! BigQuery.
//!
//! The tests run cargo's own build, or the program that `WORDTALLY_UNDER_TEST` names: the flake's check names the
//! package that ships.
#![cfg(test)]
#![cfg(feature = "standin")]

mod configuration;
mod credentials;
mod demo;
mod descriptors;
mod echoing_upstream;
mod freshness;
mod google;
mod hostile_upstream;
mod http;
mod index;
mod instance;
mod lifecycle;
mod logs;
mod metrics;
mod mistakes;
#[cfg(feature = "otlp")]
mod otlp;
mod probe;
mod program;
mod stalled_readers;
mod standin_reload;
mod systemd;
mod traps;
