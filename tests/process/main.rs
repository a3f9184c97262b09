//! The program as a process of its own: configuration, sockets, signals, systemd, and the whole service with the
//! stand-in as its BigQuery.
//!
//! Cargo's own build is run, or the program that `WORDTALLY_UNDER_TEST` names, as the flake's check names the package
//! that ships.
#![cfg(test)]

mod configuration;
mod program;
mod systemd;

#[cfg(feature = "standin")]
mod credentials;
#[cfg(feature = "standin")]
mod freshness;
#[cfg(feature = "standin")]
mod google;
#[cfg(feature = "standin")]
mod http;
#[cfg(feature = "standin")]
mod instance;
#[cfg(feature = "standin")]
mod lifecycle;
#[cfg(feature = "standin")]
mod standin_reload;
#[cfg(feature = "standin")]
mod traps;
