//! The deployer: the real `deploy` against scripted hosts and real pages.

// What is wrong with a test's own means ends it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod page;
mod server;
