//! Faults on demand: what a client must survive, made to happen.
//!
//! A fault waits until a request comes that it is meant for, and then strikes as often as it says. Several may
//! strike the same request; of those that replace the answer, the first does.

mod admin;
mod strike;
mod truncated;

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub(crate) use admin::{add, clear, counters, list, revoke_all};
pub(crate) use strike::strike;

/// The most faults that wait at once.
const MAX_FAULTS: usize = 1000;

/// Which requests a fault is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Those for an access token, of every kind.
    Token,
    /// `jobs.query` and `jobs.insert`.
    Query,
    /// `jobs.getQueryResults`.
    Results,
    /// All.
    Any,
}

/// What a status fault's body looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorBody {
    /// An error as the API gives it.
    #[default]
    Json,
    /// The same without its `errors` list.
    JsonWithoutErrors,
    /// A page, as a front end gives it.
    Html,
    /// Nothing.
    Empty,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Kind {
    /// The answer comes late.
    Latency {
        /// By how many milliseconds.
        milliseconds: u64,
    },
    /// The job says `jobComplete: false` in this answer and in that many polls after it.
    Incomplete {
        /// How many polls.
        polls: u32,
    },
    /// An HTTP status takes the answer's place.
    Status {
        /// The status, from 400 to 599.
        code: u16,
        /// The body.
        #[serde(default)]
        body: ErrorBody,
        /// Seconds for `Retry-After`.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// 403 `rateLimitExceeded`.
    Quota,
    /// The connection is reset.
    Reset,
    /// No answer comes for five minutes.
    Hang,
    /// The answer ends in its middle.
    Truncated,
    /// 200 with text that is not whole JSON.
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
    /// Pages no longer than this.
    PageRows {
        /// How many rows.
        rows: u64,
    },
}

/// A fault: which requests, what, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which requests.
    pub target: Target,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: Kind,
    /// How many requests it strikes; without it, all until it is removed.
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

    /// A fault that strikes so many requests.
    pub fn times(times: u32, target: Target, kind: Kind) -> Self {
        Self {
            target,
            kind,
            times: Some(times),
        }
    }
}

/// How the faults change an answer that is otherwise made as usual.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects {
    pub(crate) incomplete: Option<u32>,
    pub(crate) no_expiry: bool,
    pub(crate) no_rows: bool,
    pub(crate) no_fields: bool,
    pub(crate) page_rows: Option<u64>,
}

/// The faults that wait.
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

    /// The faults that strike this request, counted down; at most one of those that replace the answer.
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
    /// Whether it takes the answer's place.
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
