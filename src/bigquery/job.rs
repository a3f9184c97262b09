use std::future::Future;
use std::time::Duration;

use gcp_bigquery_client::model::job_reference::JobReference;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use super::error::Error;
use super::fault::{self, Fault, Remedy, of_job};
use super::page::Page;
use super::rows::{Found, Rows};
use super::send::Sender;
use super::{BigQuery, Progress, Stage, request};
use crate::backoff::Backoff;
use crate::cause::chain;
use crate::config::Project;
use crate::credentials::{Token, Tokens};
use crate::telemetry::Step;

/// The longest job name, in characters.
const MAX_JOB: usize = 1024;
/// The longest wait between two attempts.
const MOST_BACKOFF: Duration = Duration::from_secs(8);
/// The most requests that may fail with a transient error before the answer is given up, however much time is left.
const MAX_TRIES: u32 = 8;
/// How long cancelling a job may take.
const CANCEL: Duration = Duration::from_secs(2);
/// BigQuery bills at least this many bytes for each table of a query, and whole mebibytes.
const LEAST_BILLED: u64 = 10 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;

/// One query job, from the first attempt to the last page.
pub(super) struct Job<'a> {
    bigquery: &'a BigQuery,
    project: &'a Project,
    deadline: Instant,
    progress: &'a Progress,
    backoff: Backoff,
    tries: u32,
    renewed: bool,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        bigquery: &'a BigQuery,
        project: &'a Project,
        deadline: Instant,
        progress: &'a Progress,
    ) -> Self {
        Self {
            bigquery,
            project,
            deadline,
            progress,
            backoff: Backoff {
                first: bigquery.backoff,
                most: MOST_BACKOFF,
            },
            tries: 0,
            renewed: false,
        }
    }

    /// Runs the query, again if its job failed with a transient error, and returns its rows.
    pub(super) async fn found(mut self) -> Result<Found, Error> {
        loop {
            match self.once().await {
                Ok(found) => return Ok(found),
                Err(fault) => self.recover(fault, None).await.map_err(|fault| fault.error)?,
            }
        }
    }

    /// Sends the query, waits for the job and collects its pages.
    async fn once(&mut self) -> Result<Found, Fault> {
        let Self {
            bigquery, project, ..
        } = *self;
        let deadline = self.deadline;
        // One ID for every attempt at this job: BigQuery then runs it only once, even if a response got lost.
        let request_id = request::request_id();
        let mut step = bigquery.metrics.steps.begin(Step::Job);
        let mut page = self
            .call(|token| {
                let query = request::query(&bigquery.question, &request_id, remaining(deadline));
                async move {
                    let sent = &bigquery.metrics.jobs;
                    bigquery.sender.query(&token, project, &query, sent).await
                }
            })
            .await?;
        // BigQuery never gives a longer name, which would make each log line too long to be written.
        let reference = page.job_reference.take().filter(has_short_name);
        let job = reference
            .as_ref()
            .and_then(|reference| reference.job_id.as_deref());
        step.of(job.unwrap_or_default());
        drop(step);
        tracing::Span::current().record("job", job);
        if page.job_complete != Some(true) {
            page = self.wait(named(reference.as_ref())?.clone()).await?;
        }
        // A response has a total only if the query succeeded. Its errors are warnings then, even if it has no rows.
        // `finish` refuses fewer rows than were announced.
        if let Some(fault) = page.error.as_ref().map(of_job) {
            if page.total_rows.is_none() {
                return Err(fault);
            }
            tracing::warn!(cause = chain(&fault.error), "BigQuery answered with a warning");
        }
        bigquery.metrics.bytes_billed.inc_by(billed(&page));
        let mut rows = Rows::default();
        while let Some(token) = rows.add(page)? {
            let mut step = bigquery.metrics.steps.begin(Step::Page);
            step.of(job.unwrap_or_default());
            page = self.results(named(reference.as_ref())?, Some(&token)).await?;
        }
        rows.finish()
    }

    /// Polls a running job until it ends. Leaving earlier, in whatever way, cancels the job, unless the process is
    /// ending.
    async fn wait(&mut self, reference: JobReference) -> Result<Page, Fault> {
        let mut running = Running {
            sender: self.bigquery.sender.clone(),
            tokens: self.bigquery.tokens.clone(),
            project: self.project.clone(),
            job: Some(reference.clone()),
        };
        let job = reference.job_id.as_deref().unwrap_or_default();
        let mut step = self.bigquery.metrics.steps.begin(Step::Wait);
        step.of(job);
        self.progress.note(format!("the job {job} was still running"));
        let mut polls = 0;
        loop {
            let page = self.results(&reference, None).await?;
            if page.job_complete == Some(true) {
                running.job = None;
                return Ok(page);
            }
            // BigQuery holds each poll back; this wait is for a server that does not.
            sleep(self.backoff.delay(polls).min(Duration::from_secs(1))).await;
            polls += 1;
        }
    }

    async fn results(&mut self, reference: &JobReference, page_token: Option<&str>) -> Result<Page, Fault> {
        let Self {
            bigquery, project, ..
        } = *self;
        let deadline = self.deadline;
        let job_id = reference.job_id.as_deref().unwrap_or_default();
        self.call(|token| {
            let location = reference.location.as_deref();
            let parameters = request::results(location, page_token, remaining(deadline));
            async move {
                bigquery
                    .sender
                    .results(&token, project, job_id, &parameters)
                    .await
            }
        })
        .await
    }

    /// Makes one request with a token, and repeats it while that may help.
    async fn call<F>(&mut self, send: impl Fn(Token) -> F) -> Result<Page, Fault>
    where
        F: Future<Output = Result<Page, Fault>>,
    {
        loop {
            self.progress.at(Stage::Token);
            let step = self.bigquery.metrics.steps.begin(Step::Token);
            let token = self.bigquery.tokens.token().await;
            drop(step);
            let (fault, token) = match token {
                Ok(token) => {
                    self.progress.at(Stage::BigQuery);
                    match send(token.clone()).await {
                        Ok(page) => return Ok(page),
                        Err(fault) => (fault, Some(token)),
                    }
                }
                Err(error) => (fault::no_token(error), None),
            };
            self.recover(fault, token).await?;
        }
    }

    /// Does what may help after a fault, or returns the fault.
    async fn recover(&mut self, mut fault: Fault, token: Option<Token>) -> Result<(), Fault> {
        match (fault.remedy, token) {
            (Remedy::Token, Some(token)) if !self.renewed => {
                self.renewed = true;
                tracing::info!(
                    cause = chain(&fault.error),
                    "BigQuery refused the access token: taking a new one"
                );
                self.bigquery.tokens.invalidate(&token);
                Ok(())
            }
            (Remedy::Wait, _) => {
                let wait = self.backoff.delay(self.tries);
                let wait = wait.max(fault.retry_after.unwrap_or_default());
                self.tries += 1;
                if self.tries >= MAX_TRIES || wait >= remaining(self.deadline) {
                    fault.error.message = format!("{} (try {})", fault.error.message, self.tries);
                    fault.remedy = Remedy::None;
                    return Err(fault);
                }
                self.progress.note(format!("before, {}", chain(&fault.error)));
                tracing::info!(
                    cause = chain(&fault.error),
                    tries = self.tries,
                    ?wait,
                    "trying BigQuery again"
                );
                sleep(wait).await;
                Ok(())
            }
            _ => Err(fault),
        }
    }
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn has_short_name(reference: &JobReference) -> bool {
    let name = reference.job_id.as_deref().unwrap_or_default();
    name.len() <= MAX_JOB
}

/// The job reference, which is needed to fetch the rest of an answer.
fn named(reference: Option<&JobReference>) -> Result<&JobReference, Fault> {
    reference
        .filter(|reference| reference.job_id.is_some())
        .ok_or_else(|| Fault::malformed("cannot fetch the rest of the answer: it has no jobReference"))
}

/// The bytes that BigQuery bills for a query of one table. Responses to polls do not have them. They are then none if
/// the answer is from the cache; otherwise whole mebibytes, at least ten.
fn billed(page: &Page) -> u64 {
    let number = |text: &Option<String>| text.as_deref().and_then(|bytes| bytes.parse().ok());
    if let Some(bytes) = number(&page.total_bytes_billed) {
        return bytes;
    }
    match number(&page.total_bytes_processed) {
        None | Some(0) => 0,
        Some(_) if page.cache_hit == Some(true) => 0,
        Some(bytes) => u64::div_ceil(bytes, MEBIBYTE)
            .saturating_mul(MEBIBYTE)
            .max(LEAST_BILLED),
    }
}

/// A job that is cancelled when this is dropped, unless the job was taken out before.
struct Running {
    sender: Sender,
    tokens: Tokens,
    project: Project,
    job: Option<JobReference>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let (Some(job), Ok(runtime)) = (self.job.take(), Handle::try_current()) else {
            return;
        };
        let (sender, tokens, project) = (self.sender.clone(), self.tokens.clone(), self.project.clone());
        let give_up = async move {
            let cancel = async {
                let token = tokens.token().await.map_err(fault::no_token)?;
                sender.cancel(&token, &project, &job).await
            };
            let cancelled = timeout(CANCEL, cancel).await.is_ok_and(|answer| answer.is_ok());
            let id = job.job_id.as_deref().unwrap_or_default();
            tracing::info!(job = %id, cancelled, "gave up a running job");
        };
        runtime.spawn(give_up.in_current_span());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bills_the_reported_bytes_or_whole_mebibytes_at_least_ten_and_nothing_from_the_cache() {
        let page = |bytes: Option<&str>, cache_hit| Page {
            total_bytes_processed: bytes.map(str::to_owned),
            cache_hit: Some(cache_hit),
            ..Page::default()
        };
        assert_eq!(billed(&page(Some("1"), false)), 10 * MEBIBYTE);
        assert_eq!(billed(&page(Some("10485761"), false)), 11 * MEBIBYTE);
        assert_eq!(billed(&page(Some("10485761"), true)), 0);
        assert_eq!(billed(&page(Some("0"), false)), 0);
        assert_eq!(billed(&page(Some("18446744073709551615"), false)), u64::MAX);
        assert_eq!(billed(&page(None, false)), 0);
        let told = Page {
            total_bytes_billed: Some("20971520".to_owned()),
            ..page(Some("1"), false)
        };
        assert_eq!(billed(&told), 20 * MEBIBYTE);
    }
}
