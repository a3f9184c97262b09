use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::sink;
use crate::reason::Reason;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The path as the routes name it; `other` for any that is not one.
    pub path: &'static str,
    /// The status code.
    pub status: u16,
}

/// How a refresh ended: `ok` or a failure's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    result: &'static str,
}

/// One instance's metrics, all named `wordtally_…`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests answered.
    pub requests: Family<RequestLabels, Counter>,
    /// Connections open now.
    pub connections: Gauge,
    /// Connections closed unread because too many were open.
    pub connections_refused: Counter,
    refreshes: Family<RefreshLabels, Counter>,
    /// Query jobs sent to BigQuery, retries included.
    pub jobs: Counter,
    /// Bytes that BigQuery billed.
    pub bytes_billed: Counter,
    answer_timestamp: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Registers every metric. `ttl`, for which an answer counts as fresh, is set for good.
    pub fn new(ttl: Duration) -> Self {
        let mut registry = Registry::with_prefix("wordtally");
        let requests = Family::default();
        registry.register(
            "http_requests",
            "Requests answered, by path and status",
            Family::clone(&requests),
        );
        let connections = Gauge::default();
        registry.register(
            "http_connections",
            "Connections open now",
            Gauge::clone(&connections),
        );
        let connections_refused = Counter::default();
        registry.register(
            "http_connections_refused",
            "Connections closed unread because too many were open",
            Counter::clone(&connections_refused),
        );
        let refreshes = Family::<RefreshLabels, Counter>::default();
        // From 0 on: Prometheus sees no increase in a series that begins with its first failure.
        for result in Reason::ALL.map(Reason::name).into_iter().chain(["ok"]) {
            drop(refreshes.get_or_create(&RefreshLabels { result }));
        }
        registry.register(
            "refreshes",
            "Refreshes of the answer, by result",
            Family::clone(&refreshes),
        );
        let jobs = Counter::default();
        registry.register(
            "bigquery_jobs",
            "Query jobs sent to BigQuery, retries included",
            Counter::clone(&jobs),
        );
        let bytes_billed = Counter::default();
        registry.register_with_unit(
            "bigquery_billed",
            "Bytes that BigQuery billed",
            Unit::Bytes,
            Counter::clone(&bytes_billed),
        );
        let answer_timestamp = Gauge::default();
        registry.register_with_unit(
            "answer_timestamp",
            "When the served answer's job was sent, since 1970; 0 before the first",
            Unit::Seconds,
            Gauge::clone(&answer_timestamp),
        );
        let answer_ttl = Gauge::<f64, AtomicU64>::default();
        answer_ttl.set(ttl.as_secs_f64());
        registry.register_with_unit(
            "answer_ttl",
            "How long an answer counts as fresh",
            Unit::Seconds,
            answer_ttl,
        );
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running version", build);
        registry.register_collector(Box::new(LinesDropped));
        Self {
            registry,
            requests,
            connections,
            connections_refused,
            refreshes,
            jobs,
            bytes_billed,
            answer_timestamp,
        }
    }

    /// Counts a refresh that ended with `ok` or a failure's name.
    pub fn refreshed(&self, result: &'static str) {
        self.refreshes.get_or_create(&RefreshLabels { result }).inc();
    }

    /// Notes when the answer that is now served was asked for.
    pub fn answered(&self, as_of: SystemTime) {
        let since_1970 = as_of.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.answer_timestamp.set(since_1970.as_secs_f64());
    }

    /// Every metric in OpenMetrics text.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The log is the process's, and so is what it counts.
#[derive(Debug)]
struct LinesDropped;

impl Collector for LinesDropped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let dropped = ConstCounter::new(sink::dropped());
        let help = "Log lines dropped because standard error was not read";
        let family = encoder.encode_descriptor("log_lines_dropped", help, None, dropped.metric_type())?;
        dropped.encode(family)
    }
}
