//! The stand-in over real sockets, as a client of Google's API sees it.
#![cfg(test)]

mod authentication;
mod commands;
mod faults;
mod iam;
mod identities;
mod jobs;
mod paging;
mod support;
