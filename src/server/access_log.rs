use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::HeaderValue;

use super::trace_context::TraceContext;

/// The most lines about failed requests per second; the next line says how many were left out.
const LINES_A_SECOND: u32 = 10;

/// One line per request. Below status 400 it has debug level, because the metrics count those requests and a line for
/// each would cost more than the response. From 400 on it has info level, and only a few lines a second, so that no
/// client can fill the disk.
#[derive(Debug)]
pub(super) struct AccessLog {
    budget: Mutex<Budget>,
}

#[derive(Debug)]
struct Budget {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl AccessLog {
    pub(super) fn new() -> Self {
        Self {
            budget: Mutex::new(Budget {
                since: Instant::now(),
                lines: 0,
                left_out: 0,
            }),
        }
    }

    /// Logs a request. A request whose head could not be read has no trace.
    pub(super) fn note<'a>(
        &self,
        method: &str,
        path: &str,
        trace: impl Fn() -> Option<TraceContext<'a>>,
        status: StatusCode,
        id: Option<&HeaderValue>,
    ) {
        if status.as_u16() < 400 {
            tracing::debug!(
                method,
                path,
                status = status.as_u16(),
                request_id = id.and_then(|id| id.to_str().ok()),
                trace_id = trace().map(|trace| trace.trace_id),
                span_id = trace().map(|trace| trace.span_id),
                "request"
            );
        } else if let Some(left_out) = self.take_line(Instant::now()) {
            let (method, path) = (shortened(method, 16), shortened(path, 200));
            tracing::info!(
                method,
                path,
                status = status.as_u16(),
                request_id = id.and_then(|id| id.to_str().ok()),
                trace_id = trace().map(|trace| trace.trace_id),
                span_id = trace().map(|trace| trace.span_id),
                left_out,
                "request"
            );
        }
    }

    /// Takes one of this second's lines if there are any left, and returns how many were left out before it.
    fn take_line(&self, now: Instant) -> Option<u64> {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(budget.since) >= Duration::from_secs(1) {
            budget.since = now;
            budget.lines = 0;
        }
        if budget.lines >= LINES_A_SECOND {
            budget.left_out += 1;
            return None;
        }
        budget.lines += 1;
        Some(std::mem::take(&mut budget.left_out))
    }
}

/// A client's text, cut to this many characters.
fn shortened(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_text_is_cut_at_a_character() {
        assert_eq!(shortened("/äöü", 3), "/äö");
        assert_eq!(shortened("/äöü", 4), "/äöü");
        assert_eq!(shortened("", 4), "");
    }

    #[test]
    fn a_flood_is_counted_and_not_written() {
        let log = AccessLog::new();
        let start = Instant::now();
        let written = (0..1000).filter(|_| log.take_line(start).is_some()).count();
        assert_eq!(written, LINES_A_SECOND as usize);
        assert_eq!(log.take_line(start + Duration::from_secs(1)), Some(990));
        assert_eq!(log.take_line(start + Duration::from_secs(1)), Some(0));
    }
}
