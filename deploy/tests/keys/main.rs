//! What a new project's keys are, and how a job logs in at its registry.

#![cfg(test)]

mod made;
mod registry_login;
