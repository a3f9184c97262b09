//! Faults on demand, to test what a client must survive.
//!
//! A fault waits for the requests of its target, and then strikes as often as it says. Several faults may strike the
//! same request; of those that replace the response, only the first does.

mod admin;
mod strike;
mod truncated;

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub(crate) use admin::{add, clear, counters, list, revoke_all};
pub(crate) use strike::strike;

/// The most faults that wait at the same time.
const MAX_FAULTS: usize = 1000;

/// The requests that a fault applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Requests for an access token, of every kind.
    Token,
    /// `jobs.query` and `jobs.insert`.
    Query,
    /// `jobs.getQueryResults`.
    Results,
    /// All.
    Any,
}

/// The form of a status fault's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorBody {
    /// An error as the API returns it.
    #[default]
    Json,
    /// The same without its `errors` list.
    JsonWithoutErrors,
    /// A page, as a front end returns it.
    Html,
    /// Nothing.
    Empty,
}

/// The kind of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Kind {
    /// The response is delayed.
    Latency {
        /// The delay in milliseconds.
        milliseconds: u64,
    },
    /// The job has `jobComplete: false` in this response and in this many polls after it.
    Incomplete {
        /// The number of polls.
        polls: u32,
    },
    /// An HTTP status replaces the response.
    Status {
        /// The status, from 400 to 599.
        code: u16,
        /// The body.
        #[serde(default)]
        body: ErrorBody,
        /// The seconds in `Retry-After`.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// 403 `rateLimitExceeded`.
    Quota,
    /// The connection is reset.
    Reset,
    /// No response arrives for five minutes.
    Hang,
    /// The response ends in the middle.
    Truncated,
    /// 200 with incomplete JSON.
    MalformedJson,
    /// 200 with `{}`.
    EmptyObject,
    /// 200 with `{"error":{…}}`.
    ErrorObject,
    /// An access token without `expires_in`.
    NoExpiry,
    /// A page of results without `rows`.
    NoRows,
    /// A schema without `fields`.
    NoFields,
    /// Pages are no longer than this.
    PageRows {
        /// The number of rows.
        rows: u64,
    },
}

/// A fault: for which requests, of which kind, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which requests.
    pub target: Target,
    /// The kind of the fault.
    #[serde(flatten)]
    pub kind: Kind,
    /// How many requests it strikes; if none, all until it is removed.
    #[serde(default)]
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that strikes until it is removed.
    pub fn always(target: Target, kind: Kind) -> Self {
        Self {
            target,
            kind,
            times: None,
        }
    }

    /// A fault that strikes this many requests.
    pub fn times(times: u32, target: Target, kind: Kind) -> Self {
        Self {
            target,
            kind,
            times: Some(times),
        }
    }
}

/// How the faults change a response that is otherwise produced as usual.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects {
    pub(crate) incomplete: Option<u32>,
    pub(crate) no_expiry: bool,
    pub(crate) no_rows: bool,
    pub(crate) no_fields: bool,
    pub(crate) page_rows: Option<u64>,
}

/// The waiting faults.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        let mut waiting = self.lock();
        if waiting.len() < MAX_FAULTS {
            waiting.push(fault);
        }
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// The faults that strike this request, counted down; at most one of those that replace the response.
    fn take(&self, target: Option<Target>) -> Vec<Kind> {
        let mut waiting = self.lock();
        let mut taken: Vec<Kind> = Vec::new();
        for fault in waiting.iter_mut() {
            let meant = fault.target == Target::Any || Some(fault.target) == target;
            let second = fault.kind.replaces() && taken.iter().any(Kind::replaces);
            if !meant || second || fault.times == Some(0) {
                continue;
            }
            fault.times = fault.times.map(|times| times - 1);
            taken.push(fault.kind.clone());
        }
        waiting.retain(|fault| fault.times != Some(0));
        taken
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    /// Whether it replaces the response.
    fn replaces(&self) -> bool {
        !matches!(
            self,
            Self::Latency { .. }
                | Self::Incomplete { .. }
                | Self::NoExpiry
                | Self::NoRows
                | Self::NoFields
                | Self::PageRows { .. }
        )
    }
}
