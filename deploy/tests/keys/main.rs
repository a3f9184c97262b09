//! What a new project's keys are, and how a job logs in at its registry.

mod registry_login;
