/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// `/`: the counts.
    Counts,
    /// `/healthz`: the process lives.
    Health,
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
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            _ => Self::Other,
        }
    }

    /// The path as metrics and log lines name it, so that clients can't make new names.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counts => "/",
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
            Self::Other => "other",
        }
    }
}
