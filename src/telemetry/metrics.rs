use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::classic::classic;
use super::durations::Durations;
use super::process::Process;
use super::sink;
use super::steps::Steps;
use crate::reason::Reason;
use crate::version;

/// The path and the status of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The path of its route; `other` for any path without one.
    pub path: &'static str,
    /// The status code.
    pub status: u16,
}

/// The result of a refresh: `ok` or the name of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    result: &'static str,
}

/// The text format of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus's older text format.
    Classic,
}

impl MetricsFormat {
    /// Each format, the default first.
    pub const ALL: [Self; 2] = [Self::OpenMetrics, Self::Classic];

    /// The media type for `Accept`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text",
            Self::Classic => "text/plain",
        }
    }

    /// The response's `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The metrics of one instance, named `wordtally_…`, and of its process, named `process_…`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests answered.
    pub requests: Family<RequestLabels, Counter>,
    /// How long the requests took.
    pub durations: Durations,
    /// Connections open now.
    pub connections: Gauge,
    /// Connections closed unread because too many were open.
    pub connections_refused: Counter,
    refreshes: Family<RefreshLabels, Counter>,
    /// How long the steps of refreshes take.
    pub steps: Steps,
    /// Query jobs sent to BigQuery, retries included.
    pub jobs: Counter,
    /// Bytes that BigQuery billed.
    pub bytes_billed: Counter,
    answer_timestamp: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Registers every metric. `ttl`, for which an answer counts as fresh, does not change afterwards.
    pub fn new(ttl: Duration) -> Self {
        let mut whole = Registry::default();
        whole.register_collector(Box::new(Process::new()));
        let registry = whole.sub_registry_with_prefix("wordtally");
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
        // They start at 0: Prometheus sees no increase in a series that starts with its first failure.
        for result in Reason::ALL.map(Reason::name).into_iter().chain(["ok"]) {
            drop(refreshes.get_or_create(&RefreshLabels { result }));
        }
        registry.register(
            "refreshes",
            "Refreshes of the answer, by result",
            Family::clone(&refreshes),
        );
        let steps = Steps::register(registry);
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
            "Unix time at which the job of the served answer was sent; 0 before the first answer",
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
        let build = Info::new([("version", version::NUMBER), ("commit", version::COMMIT)]);
        registry.register(
            "build",
            "The running version and the commit that it was built from",
            build,
        );
        registry.register_collector(Box::new(LinesDropped));
        Self {
            registry: whole,
            requests,
            durations: Durations::default(),
            connections,
            connections_refused,
            refreshes,
            steps,
            jobs,
            bytes_billed,
            answer_timestamp,
        }
    }

    /// Counts a refresh by its result: `ok` or the name of a failure.
    pub fn refreshed(&self, result: &'static str) {
        self.refreshes.get_or_create(&RefreshLabels { result }).inc();
    }

    /// Records when the job of the served answer was sent.
    pub fn answered(&self, as_of: SystemTime) {
        let since_1970 = as_of.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.answer_timestamp.set(since_1970.as_secs_f64());
    }

    /// Every metric in OpenMetrics text.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        self.render_as(MetricsFormat::OpenMetrics)
    }

    /// Every metric in this format.
    pub fn render_as(&self, format: MetricsFormat) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        self.durations.write(&mut text)?;
        encode_eof(&mut text)?;
        Ok(match format {
            MetricsFormat::OpenMetrics => text,
            MetricsFormat::Classic => classic(&text),
        })
    }
}

/// Metrics of the whole process.
#[derive(Debug)]
struct LinesDropped;

impl Collector for LinesDropped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let dropped = ConstCounter::new(sink::dropped());
        let help = "Log lines dropped because standard error was not read.";
        let metric = encoder.encode_descriptor("log_lines_dropped", help, None, dropped.metric_type())?;
        dropped.encode(metric)
    }
}
