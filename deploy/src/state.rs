//! The states of a deployment on a host, in one type for every user of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has its lock, and nothing was started.
    Begun,
    /// The new system's words are tested beside the running ones.
    Preflight,
    /// The new system is being activated.
    Activating,
    /// The activated system's words are checked on the host.
    Readiness,
    /// The activated system waits for the confirmation from outside.
    Unconfirmed,
    /// The confirmed system becomes the boot default.
    Finalizing,
    /// The new system runs and is the boot default.
    Committed,
    /// Nothing was activated.
    Refused,
    /// The old system is being activated.
    RollingBack,
    /// The old system runs and is the boot default.
    RolledBack,
    /// The old system was not restored completely.
    NotRolledBack,
    /// It ended without reporting an outcome: the host was restarted, or its process was killed for good.
    Lost,
}

impl State {
    /// Whether it is final.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Committed | Self::Refused | Self::RolledBack | Self::NotRolledBack | Self::Lost
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begun => "begun",
            Self::Preflight => "preflight",
            Self::Activating => "activating",
            Self::Readiness => "readiness",
            Self::Unconfirmed => "unconfirmed",
            Self::Finalizing => "finalizing",
            Self::Committed => "committed",
            Self::Refused => "refused",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
            Self::NotRolledBack => "not rolled back",
            Self::Lost => "lost",
        })
    }
}
