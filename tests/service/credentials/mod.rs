//! Credentials: where they are found, which are accepted, and how each type gets its token.

mod file;
mod library_faults;
mod no_certificates;
mod search;
mod tokens;
mod types;
