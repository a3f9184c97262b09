//! What the service tells its operators: log lines and metrics.

mod log;
mod metrics;

pub use log::init;
pub use metrics::{Metrics, RequestLabels};
