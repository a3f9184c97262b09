//! The stand-in over real sockets: what a client of Google's API meets.
#![cfg(test)]

mod authentication;
mod commands;
mod faults;
mod iam;
mod identities;
mod jobs;
mod paging;
mod support;
