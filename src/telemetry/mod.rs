//! What the service tells its operators: log lines and metrics.

mod log;
mod metrics;
mod sink;
mod visible;

pub use log::{flush, init, say_last};
pub use metrics::{Metrics, RequestLabels};
