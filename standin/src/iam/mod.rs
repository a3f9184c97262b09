//! Who exists and who may do what: the IAM file.
//!
//! Members are written as Google writes them: `serviceAccount:EMAIL`, `user:EMAIL`, `principal://iam.googleapis.com/…`,
//! `principalSet://iam.googleapis.com/POOL/*` and `allAuthenticatedUsers`.

mod access;
mod keys;
mod policy;

pub use keys::{KeyError, ServiceAccountKey};
pub use policy::{
    Bindings, LoadError, Metadata, Policy, PublicKey, ServiceAccount, User, WorkloadIdentityProvider,
};
