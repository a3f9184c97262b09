use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};

use crate::platform;

/// The standard process metrics of Prometheus clients, read on each request. Values that cannot be read are left out.
#[derive(Debug)]
pub(super) struct Process {
    started: SystemTime,
}

impl Process {
    /// Metrics of this process, which has just started. `/proc` has the start time too, but a unit may hide
    /// `/proc/stat`, which is needed to compute it.
    pub(super) fn new() -> Self {
        Self {
            started: SystemTime::now(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let usage = platform::usage();
        if let Some(seconds) = usage.cpu_seconds {
            let help = "User and system time.";
            let counter = ConstCounter::new(seconds);
            let metric =
                encoder.encode_descriptor("process_cpu_seconds", help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let started = self
            .started
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let gauges = [
            ("process_resident_memory_bytes", "Memory in RAM.", usage.resident),
            (
                "process_virtual_memory_bytes",
                "Address space.",
                usage.address_space,
            ),
            ("process_open_fds", "Open file descriptors.", usage.open_files),
            (
                "process_max_fds",
                "Most file descriptors that may be open.",
                most_files(),
            ),
            (
                "process_start_time_seconds",
                "Unix time at which the process started.",
                Some(started),
            ),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                let gauge = ConstGauge::new(value);
                let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
                gauge.encode(metric)?;
            }
        }
        Ok(())
    }
}

fn most_files() -> Option<f64> {
    getrlimit(Resource::Nofile).current.map(|most| most as f64)
}
