use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};

/// How many times a second the kernel counts a process's time for its readers. It is so on every platform of ours.
const TICKS: f64 = 100.0;

/// What Prometheus's clients tell of a process, read from `/proc/self` when it is asked for. A value that cannot be read is
/// left out.
#[derive(Debug)]
pub(super) struct Process {
    started: SystemTime,
}

impl Process {
    /// This process, which has just started: `/proc` tells when, but only in units whose host lets them see `/proc/stat`.
    pub(super) fn new() -> Self {
        Self {
            started: SystemTime::now(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        if let Some(seconds) = cpu_seconds() {
            let help = "User and system time.";
            let counter = ConstCounter::new(seconds);
            let metric =
                encoder.encode_descriptor("process_cpu_seconds", help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let started = self
            .started
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let gauges = [
            (
                "process_resident_memory_bytes",
                "Memory in RAM.",
                kibibytes(&status, "VmRSS:"),
            ),
            (
                "process_virtual_memory_bytes",
                "Address space.",
                kibibytes(&status, "VmSize:"),
            ),
            ("process_open_fds", "Open file descriptors.", open_files()),
            (
                "process_max_fds",
                "File descriptors that may be open.",
                most_files(),
            ),
            (
                "process_start_time_seconds",
                "When the process started, since 1970.",
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

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name, which may hold spaces and brackets.
    let (_, after) = stat.rsplit_once(") ")?;
    let mut times = after
        .split(' ')
        .skip(11)
        .map_while(|ticks| ticks.parse::<f64>().ok());
    Some((times.next()? + times.next()?) / TICKS)
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let value: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(value * 1024.0)
}

/// Since Linux 6.2 the folder's size is their number; before it they are counted.
fn open_files() -> Option<f64> {
    let folder = "/proc/self/fd";
    match fs::metadata(folder).ok()?.len() {
        0 => Some(fs::read_dir(folder).ok()?.count() as f64 - 1.0),
        number => Some(number as f64),
    }
}

fn most_files() -> Option<f64> {
    getrlimit(Resource::Nofile).current.map(|most| most as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_told_truly() {
        // On a busy machine that takes as long as it takes.
        let begun = std::time::Instant::now();
        while cpu_seconds().unwrap() < 0.03 && begun.elapsed() < std::time::Duration::from_secs(10) {}
        assert!((0.03..1e6).contains(&cpu_seconds().unwrap()));
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let (resident, all) = (
            kibibytes(&status, "VmRSS:").unwrap(),
            kibibytes(&status, "VmSize:").unwrap(),
        );
        assert!(resident > 1e6 && all > resident, "{resident} {all}");
        let most = most_files().unwrap();
        let before = open_files().unwrap();
        let files: Vec<_> = (0..100).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        // Other tests of this process open some too.
        assert!((90.0..150.0).contains(&(open_files().unwrap() - before)) && before < most);
        drop(files);
    }
}
