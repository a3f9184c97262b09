//! Credentials: where they are found, which are taken, and how each gets its token.

mod file;
mod library_faults;
mod no_certificates;
mod search;
mod tokens;
mod types;
