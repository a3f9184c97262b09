use std::fmt::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The request paths in the metrics: `/counts` is a link in any format, and the last one stands for every other path.
pub const PATHS: [&str; 9] = [
    "/",
    "/counts",
    "/healthz",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/schema.json",
    "other",
];

/// The upper bound of each bucket, in nanoseconds and as the text has it in seconds. One more bucket has no bound.
const BOUNDS: [(u64, &str); 11] = [
    (25_000, "0.000025"),
    (50_000, "0.00005"),
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (1_000_000, "0.001"),
    (5_000_000, "0.005"),
    (25_000_000, "0.025"),
    (100_000_000, "0.1"),
    (500_000_000, "0.5"),
    (2_500_000_000, "2.5"),
    (10_000_000_000, "10.0"),
];
const BUCKETS: usize = BOUNDS.len() + 1;
/// Of the requests that are faster than this, every 1024th may become an exemplar.
const SLOW: Duration = Duration::from_millis(1);
const SAMPLE: u64 = 1024;
/// With more workers than this, some share a part.
const PARTS: usize = 8;

/// How long requests take, by path. Each worker counts in its own part, so that none waits for another or shares a
/// cache line with it.
#[derive(Debug, Default)]
pub struct Durations {
    parts: [Part; PARTS],
    examples: Mutex<[[Option<Example>; BUCKETS]; PATHS.len()]>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Part([Counts; PATHS.len()]);

#[derive(Debug, Default)]
struct Counts {
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

/// An exemplar: one request of a bucket, to look up in the log or as a trace.
#[derive(Debug)]
struct Example {
    request: RequestName,
    seconds: f64,
    at: SystemTime,
}

/// The identifiers of a request elsewhere.
#[derive(Debug)]
pub struct RequestName {
    /// The ID in its log line: at most 64 letters, digits, dots, underscores and dashes.
    pub request_id: String,
    /// Its trace, if the client named one.
    pub trace_id: Option<String>,
}

/// Whether a request took so long that it may become an exemplar, and therefore needs a name.
pub fn is_slow(took: Duration) -> bool {
    took > SLOW
}

impl Durations {
    /// Counts a request by the position of its path in [`PATHS`]. `name` is called only if the request becomes an
    /// exemplar, which it does only with a name.
    pub fn observe(&self, path: usize, took: Duration, name: impl FnOnce() -> Option<RequestName>) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS
            .iter()
            .position(|(most, _)| nanoseconds <= *most)
            .unwrap_or(BOUNDS.len());
        let counts = self.parts.get(own_part()).and_then(|part| part.0.get(path));
        let Some((counts, count)) = counts.and_then(|counts| Some((counts, counts.buckets.get(bucket)?)))
        else {
            return;
        };
        counts.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        let before = count.fetch_add(1, Ordering::Relaxed);
        if is_slow(took) || before.is_multiple_of(SAMPLE) {
            self.keep(path, bucket, took, name);
        }
    }

    /// Keeps a request as its bucket's exemplar, unless another worker is doing so.
    fn keep(&self, path: usize, bucket: usize, took: Duration, name: impl FnOnce() -> Option<RequestName>) {
        if let Ok(mut examples) = self.examples.try_lock()
            && let Some(example) = examples.get_mut(path).and_then(|path| path.get_mut(bucket))
            && let Some(request) = name()
        {
            *example = Some(Example {
                request,
                seconds: took.as_secs_f64(),
                at: SystemTime::now(),
            });
        }
    }

    /// Writes the histogram in OpenMetrics text. The histogram of prometheus-client takes a lock for each request.
    pub(super) fn write(&self, text: &mut String) -> fmt::Result {
        const NAME: &str = "wordtally_http_request_duration_seconds";
        writeln!(
            text,
            "# HELP {NAME} Time from a request's head to its response, by path.\n# TYPE {NAME} histogram\n# UNIT {NAME} seconds"
        )?;
        let examples = self.examples.lock().ok();
        for (number, path) in PATHS.iter().enumerate() {
            let counts = || self.parts.iter().filter_map(|part| part.0.get(number));
            let in_bucket = |bucket: usize| -> u64 {
                let buckets = counts().filter_map(|counts| counts.buckets.get(bucket));
                buckets.map(|count| count.load(Ordering::Relaxed)).sum()
            };
            let mut count = 0;
            let mut lines = String::new();
            for (bucket, most) in BOUNDS.iter().map(|(_, text)| *text).chain(["+Inf"]).enumerate() {
                count += in_bucket(bucket);
                write!(lines, "{NAME}_bucket{{path=\"{path}\",le=\"{most}\"}} {count}")?;
                let example = examples
                    .as_deref()
                    .and_then(|examples| examples.get(number)?.get(bucket)?.as_ref());
                if let Some(example) = example {
                    example.write(&mut lines)?;
                }
                lines.push('\n');
            }
            if count == 0 {
                continue;
            }
            let nanoseconds: u64 = counts()
                .map(|counts| counts.nanoseconds.load(Ordering::Relaxed))
                .sum();
            let sum = Duration::from_nanos(nanoseconds).as_secs_f64();
            write!(
                text,
                "{NAME}_sum{{path=\"{path}\"}} {sum}\n{NAME}_count{{path=\"{path}\"}} {count}\n{lines}"
            )?;
        }
        Ok(())
    }
}

impl Example {
    fn write(&self, text: &mut String) -> fmt::Result {
        let at = self
            .at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        write!(text, " # {{request_id=\"{}\"", self.request.request_id)?;
        if let Some(trace_id) = &self.request.trace_id {
            write!(text, ",trace_id=\"{trace_id}\"")?;
        }
        write!(text, "}} {} {at:.3}", self.seconds)
    }
}

/// The part of this thread.
fn own_part() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PART: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
    }
    PART.try_with(|part| *part).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str) -> Option<RequestName> {
        Some(RequestName {
            request_id: id.to_owned(),
            trace_id: (id == "traced").then(|| "0af7651916cd43dd8448eb211c80319c".to_owned()),
        })
    }

    #[test]
    fn what_many_threads_count_is_one_histogram() {
        let durations = Durations::default();
        std::thread::scope(|scope| {
            for _ in 0..PARTS * 2 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        durations.observe(0, Duration::from_micros(50), || named("fast"));
                        durations.observe(PATHS.len() - 1, Duration::from_secs(11), || named("traced"));
                    }
                });
            }
        });
        let mut text = String::new();
        durations.write(&mut text).unwrap();
        for line in [
            "_sum{path=\"/\"} 0.8",
            "_count{path=\"/\"} 16000",
            "_bucket{path=\"/\",le=\"0.000025\"} 0",
            "_bucket{path=\"/\",le=\"0.00005\"} 16000 # {request_id=\"fast\"} 0.00005 ",
            "_bucket{path=\"/\",le=\"+Inf\"} 16000",
            "_bucket{path=\"other\",le=\"10.0\"} 0",
            "_bucket{path=\"other\",le=\"+Inf\"} 16000 # {request_id=\"traced\",trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 11 ",
            "_count{path=\"other\"} 16000",
        ] {
            let line = format!("\nwordtally_http_request_duration_seconds{line}");
            assert!(text.contains(&line), "no {line} in {text}");
        }
        assert!(!text.contains("/healthz"), "{text}");
    }

    #[test]
    fn the_bounds_are_what_the_text_says() {
        for (nanoseconds, text) in BOUNDS {
            let seconds: f64 = text.parse().unwrap();
            assert!((seconds * 1e9 - nanoseconds as f64).abs() < 0.5, "{text}");
        }
        assert!(BOUNDS.is_sorted());
    }
}
