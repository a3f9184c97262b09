//! Which releases a host takes: signed by keys that are made here, altered in every way, and each refused by its own sentence.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic, and so may what it is helped by"
)]

mod closures;
mod commands;
mod desk;
mod keys;
mod signed;
mod trust;
