//! Keeps the cache fresh: one refresh at a time, in the background, independent of traffic.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::Instrument;
use tracing::field::Empty;

use crate::answer::Answer;
use crate::backoff::Backoff;
use crate::bigquery::{BigQuery, Error};
use crate::cache::{Cache, Entry, Failure};
use crate::cause::chain;
use crate::reason::Reason;
use crate::render::{Context, Pages};
use crate::site::Neighbourhood;
use crate::telemetry::Metrics;

/// The waits after failures.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    most: Duration::from_secs(60),
};
/// The most by which a refresh begins before the end of the TTL.
const LEAD_MAX: Duration = Duration::from_secs(10);
/// The shortest pause between two refreshes, however short the TTL is.
const PAUSE: Duration = Duration::from_millis(100);

/// The source of answers.
pub trait Source: Send + Sync + 'static {
    /// Asks once. The source itself bounds the time.
    fn counts(&self) -> impl Future<Output = Result<Answer, Error>> + Send;
}

impl Source for BigQuery {
    async fn counts(&self) -> Result<Answer, Error> {
        BigQuery::counts(self).await
    }
}

/// Refreshes the cache for as long as it is polled. `early` starts a refresh before it is due; during a refresh, it
/// starts the next one right after it. The pages link to the neighbours in the site, if there is one.
pub async fn run<S: Source>(
    source: Arc<S>,
    cache: Arc<Cache>,
    metrics: Arc<Metrics>,
    early: Arc<Notify>,
    site: Option<Neighbourhood>,
) {
    let site = site.map(Arc::new);
    let mut failures: u32 = 0;
    loop {
        // At the error level, which every configuration logs: its fields are part of each log line of the refresh.
        let span = tracing::error_span!(
            "refresh",
            refresh_id = format!("{:016x}", fastrand::u64(..)),
            attempt = failures.saturating_add(1),
            job = Empty,
            otel.status_code = Empty
        );
        let attempted = attempt(&source, cache.ttl, &site).instrument(span.clone()).await;
        let next = span.in_scope(|| match attempted {
            Ok(entry) => {
                failures = 0;
                metrics.refreshed("ok");
                metrics.answered(entry.sent.wall);
                let sent = entry.sent.monotonic;
                cache.publish(entry);
                let now = cache.clock.now();
                let elapsed = now.saturating_duration_since(sent);
                tracing::info!(elapsed_ms = millis(elapsed), "answer refreshed");
                (sent + until_next(cache.ttl)).max(now + PAUSE)
            }
            Err(error) => {
                let wait = BACKOFF.delay(failures);
                failures = failures.saturating_add(1);
                metrics.refreshed(error.reason.name());
                let retry_at = cache.clock.now() + wait;
                cache.fail(Failure {
                    reason: error.reason,
                    retry_at,
                });
                tracing::warn!(
                    reason = error.reason.name(),
                    cause = chain(&error),
                    failures,
                    retry_in_ms = millis(wait),
                    "refresh failed"
                );
                // For a collector of spans. No log line follows this.
                span.record("otel.status_code", "error");
                retry_at
            }
        });
        // The span reaches the collector when it ends, so it ends before the wait.
        drop(span);
        tokio::select! {
            () = cache.clock.sleep_until(next) => {}
            () = early.notified() => {}
        }
    }
}

/// One refresh in its own task, so that a panic in it is only a failed refresh.
async fn attempt<S: Source>(
    source: &Arc<S>,
    ttl: Duration,
    site: &Option<Arc<Neighbourhood>>,
) -> Result<Entry, Error> {
    let (source, site) = (Arc::clone(source), site.clone());
    let work = async move {
        let answer = source.counts().await?;
        let neighbours = match &site {
            Some(site) => site.neighbours().await,
            None => None,
        };
        // For a large answer this takes long. The server has another thread.
        let pages = Pages::new(
            &answer,
            &Context {
                neighbours: neighbours.as_ref(),
                ttl,
            },
        )
        .map_err(|error| Error::new(Reason::Malformed, "the answer is too large").caused_by(error))?;
        Ok(Entry {
            pages,
            sent: answer.sent,
        })
    };
    let task = AbortOnDrop(tokio::spawn(work.in_current_span()));
    task.join().await
}

struct AbortOnDrop(JoinHandle<Result<Entry, Error>>);

impl AbortOnDrop {
    async fn join(mut self) -> Result<Entry, Error> {
        (&mut self.0).await.unwrap_or_else(|fault| {
            Err(Error::new(Reason::Malformed, "the refresh task failed").caused_by(fault))
        })
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The time from sending a job to the start of the next refresh. It is a little shorter than the TTL, so that the
/// answer is replaced before it expires, and jittered, so that instances that started together do not keep asking
/// together.
fn until_next(ttl: Duration) -> Duration {
    let lead = (ttl / 20).min(LEAD_MAX);
    ttl - lead - lead.mul_f64(fastrand::f64())
}

/// A u64, because log formats write a u128 as text.
fn millis(period: Duration) -> u64 {
    u64::try_from(period.as_millis()).unwrap_or(u64::MAX)
}
