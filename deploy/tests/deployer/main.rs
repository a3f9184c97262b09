//! The deployer: the real `deploy` with scripted hosts and real pages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, and so may what it is helped by"
)]

mod canary;
mod deployment;
mod faults;
mod host;
#[path = "../host/machine.rs"]
#[allow(dead_code, reason = "the tests of the host need more of it")]
mod machine;
mod page;
mod reference;
mod reports;
mod scene;
mod server;
#[path = "../release/signed.rs"]
#[allow(dead_code, reason = "the tests of releases need more of it")]
mod signed;
mod tls;
mod trust;
mod whole;
