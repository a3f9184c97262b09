//! Deploys signed releases to hosts: the common part of `deploy`, which runs where a release is built or sent from, and
//! `deploy-host`, which runs on the host and decides.
//!
//! Data flows one way: a release's files → the signed part of them → the host's policy → requests → a deployment.

pub mod cli;
pub mod closure;
pub mod deployer;
pub mod host;
pub mod host_config;
pub mod keys;
pub mod page;
mod program;
pub mod protocol;
pub mod provenance;
pub mod registry_login;
pub mod release;
pub mod state;
pub mod trust;
pub mod vouch;
