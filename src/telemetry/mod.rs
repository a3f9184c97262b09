//! The output for operators: log lines and metrics.

mod classic;
mod durations;
mod log;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod process;
mod sink;
mod steps;
mod text;
mod visible;

pub use durations::{Durations, PATHS, RequestName, is_slow};
pub use log::{fatal, flush, init, say};
pub use metrics::{Metrics, MetricsFormat, RequestLabels};
pub use steps::{Step, Steps};
