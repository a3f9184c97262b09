use crate::telemetry::PATHS;

/// What a path stands for. In the order of [`PATHS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// `/`: the counts.
    Counts,
    /// `/healthz`: the process lives.
    Health,
    /// `/livez`: the same.
    Live,
    /// `/readyz`: there is an answer to give.
    Ready,
    /// `/metrics`: numbers for Prometheus.
    Metrics,
    /// Anything else.
    Other,
}

impl Route {
    /// The route of a path, without its query: a tracking suffix must not break the page.
    pub(super) fn of(path: &str) -> Self {
        match path {
            "/" => Self::Counts,
            "/healthz" => Self::Health,
            "/livez" => Self::Live,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            _ => Self::Other,
        }
    }

    /// The path as metrics and log lines name it, so that clients can't make new names.
    pub(super) fn name(self) -> &'static str {
        PATHS.get(self.number()).copied().unwrap_or("other")
    }

    /// Its place in [`PATHS`].
    pub(super) fn number(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_named_as_it_is_asked_for() {
        for path in PATHS {
            assert_eq!(Route::of(path).name(), path);
        }
        assert_eq!(Route::of("/nothing").name(), "other");
    }
}
