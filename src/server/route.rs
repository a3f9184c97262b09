use crate::render::{FORMATS, Format};
use crate::telemetry::PATHS;

/// The meaning of a path. In the order of [`PATHS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// `/`: the counts.
    Counts,
    /// `/counts.csv` and the other links: the counts in the format of the suffix.
    Link,
    /// `/healthz`: the process is alive.
    Health,
    /// `/livez`: the same.
    Live,
    /// `/readyz`: there is an answer to serve.
    Ready,
    /// `/metrics`: numbers for Prometheus.
    Metrics,
    /// `/openapi.json`: the description of this service, for programs.
    OpenApi,
    /// `/schema.json`: the description of the counts' JSON.
    Schema,
    /// Anything else.
    Other,
}

impl Route {
    /// The route of a path, without its query.
    pub(super) fn of(path: &str) -> Self {
        match path {
            "/" => Self::Counts,
            "/healthz" => Self::Health,
            "/livez" => Self::Live,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/openapi.json" => Self::OpenApi,
            "/schema.json" => Self::Schema,
            _ if Self::linked_format(path).is_some() => Self::Link,
            _ => Self::Other,
        }
    }

    /// The format that the path of a link names.
    pub(super) fn linked_format(path: &str) -> Option<&'static Format> {
        let name = path.strip_prefix("/counts.")?;
        FORMATS.iter().find(|format| format.name == name)
    }

    /// Whether the route is for people and their programs, and not for monitoring.
    pub(super) fn is_public(self) -> bool {
        !matches!(self, Self::Health | Self::Live | Self::Ready | Self::Metrics)
    }

    /// The path for metrics and log lines, so that clients cannot create new label values.
    pub(super) fn name(self) -> &'static str {
        PATHS.get(self.number()).copied().unwrap_or("other")
    }

    /// Its position in [`PATHS`].
    pub(super) fn number(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_named_as_it_is_asked_for() {
        for path in PATHS.into_iter().filter(|path| *path != "/counts") {
            assert_eq!(Route::of(path).name(), path);
        }
        for format in FORMATS {
            assert_eq!(Route::of(&format!("/counts.{}", format.name)).name(), "/counts");
        }
        for path in ["/nothing", "/counts", "/counts.", "/counts.xls", "/counts.csv/"] {
            assert_eq!(Route::of(path).name(), "other");
        }
    }
}
