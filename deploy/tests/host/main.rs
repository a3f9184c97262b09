//! The host's part, without a machine and on one that is a folder.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic, and so may what it is helped by"
)]

mod crashes;
mod deployments;
mod gates;
mod machine;
mod requests;
#[path = "../release/signed.rs"]
#[allow(dead_code, reason = "the tests of trust need more of it")]
mod signed;
mod simulation;
