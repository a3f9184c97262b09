use std::fmt;
use std::time::Duration;

/// A token as a server gave it. Its `Debug` form leaves the token out.
pub(crate) struct Fetched {
    pub(crate) token: String,
    /// How long it lives from now; none if the server did not say.
    pub(crate) lifetime: Option<Duration>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
