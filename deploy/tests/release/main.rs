//! The releases that a host accepts: signed by keys that are created here, altered in every way, and each refused with
//! its own sentence.

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
