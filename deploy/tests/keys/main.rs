//! The keys of a new project, and how a job logs in to its registry.

#![cfg(test)]

mod made;
mod registry_login;
