//! The accounts and their permissions: the IAM file.
//!
//! Members are written as Google writes them: `serviceAccount:EMAIL`, `user:EMAIL`, `principal://iam.googleapis.com/…`,
//! `principalSet://iam.googleapis.com/POOL/*` and `allAuthenticatedUsers`.
//!
//! ```json
//! {
//!   "serviceAccounts": [{
//!     "email": "reader@my-project.iam.gserviceaccount.com",
//!     "project": "my-project",
//!     "publicKeys": ["-----BEGIN PUBLIC KEY-----\n…"]
//!   }],
//!   "projects": {
//!     "my-project": {"roles/bigquery.jobUser": ["serviceAccount:reader@my-project.iam.gserviceaccount.com"]}
//!   },
//!   "datasets": {
//!     "bigquery-public-data.samples": {"roles/bigquery.dataViewer": ["allAuthenticatedUsers"]}
//!   }
//! }
//! ```

mod access;
mod keys;
mod policy;

pub use keys::{KeyError, ServiceAccountKey};
pub use policy::{
    Bindings, LoadError, Metadata, Policy, PublicKey, ServiceAccount, User, WorkloadIdentityProvider,
};
