//! Asks BigQuery for a word's counts.
//!
//! Data flows one way: request, send, page, rows; `job` has the loop around them. The types of gcp-bigquery-client
//! describe what is sent. Responses are read in `send` and parsed in `page`, both within limits.

mod error;
mod fault;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod job;
mod limits;
mod page;
mod request;
mod rows;
mod send;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

pub use error::Error;
use request::Question;
use rows::Found;
use send::Sender;

use crate::answer::{Answer, Moment};
use crate::config::{Config, Invalid, Project};
use crate::credentials::{self, File, Limits, Origin, Tokens, Variables};
use crate::reason::Reason;
use crate::telemetry::Metrics;
use crate::transport::Transport;

/// The longest that fetching a token may take.
const TOKEN: Duration = Duration::from_secs(10);
/// The upper bound of the first wait between attempts, unless set otherwise.
const BACKOFF: Duration = Duration::from_millis(500);

/// A client for one word's counts.
pub struct BigQuery {
    sender: Sender,
    tokens: Tokens,
    question: Question,
    timeout: Duration,
    project: OnceCell<Project>,
    backoff: Duration,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for BigQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BigQuery")
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

impl BigQuery {
    /// Finds the credential, checks its file and creates the clients. Sends nothing.
    ///
    /// The error is one sentence: a bad file, no project to bill, or no certificates for an https address.
    pub async fn new(config: &Config, variables: &Variables, metrics: Arc<Metrics>) -> Result<Self, Invalid> {
        Self::with_backoff(config, variables, metrics, BACKOFF).await
    }

    /// The same with another upper bound for the first wait before a repeated attempt. It doubles from there.
    pub async fn with_backoff(
        config: &Config,
        variables: &Variables,
        metrics: Arc<Metrics>,
        backoff: Duration,
    ) -> Result<Self, Invalid> {
        let origin = Origin::find(config.credentials.as_deref(), variables)?;
        let project = project(config, &origin)?;
        let billed = project.as_ref().map_or("the metadata server's", Project::as_str);
        tracing::info!(credential = %origin, project = billed, "found the credential");
        let transport = Arc::new(Transport::default());
        let sender = Sender::new(&config.bigquery_endpoint, &transport)?;
        let limits = Limits {
            fetch: TOKEN,
            backoff,
        };
        let tokens = Tokens::over(origin, limits, transport);
        Ok(Self {
            sender,
            tokens,
            question: Question {
                word: config.word.clone(),
                table: config.table.clone(),
                location: config.location.clone(),
                maximum_bytes_billed: config.maximum_bytes_billed,
            },
            timeout: config.timeout,
            project: OnceCell::new_with(project),
            backoff,
            metrics,
        })
    }

    /// Runs the query and returns every row. Ends within the configured timeout, whatever happens: it covers token,
    /// job, retries and pages together.
    ///
    /// A job that is still running when the time is up, or when this future is dropped, is cancelled, unless the
    /// process ends then.
    pub async fn counts(&self) -> Result<Answer, Error> {
        let sent = Moment::now();
        let deadline = Instant::now() + self.timeout;
        let progress = Progress::default();
        let found = timeout_at(deadline, self.run(deadline, &progress))
            .await
            .unwrap_or_else(|_| Err(progress.out_of_time(self.timeout)))?;
        Ok(Answer {
            word: self.question.word.clone(),
            table: self.question.table.clone(),
            counts: found.counts,
            other_cases: found.other_cases,
            sample_data: found.sample_data,
            sent,
        })
    }

    /// Makes the next job read the credential again, for example after its file was replaced.
    pub fn renew_credential(&self) {
        self.tokens.renew();
    }

    async fn run(&self, deadline: Instant, progress: &Progress) -> Result<Found, Error> {
        let project = self.project.get_or_try_init(|| self.metadata_project()).await?;
        job::Job::new(self, project, deadline, progress).found().await
    }

    async fn metadata_project(&self) -> Result<Project, Error> {
        let named = self.tokens.project().await.map_err(fault::credential)?;
        named.unwrap_or_default().parse().map_err(|_| {
            fault::credential(credentials::Error::refused(
                "the metadata server names no project: expected --project",
            ))
        })
    }
}

/// The server that is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Token,
    BigQuery,
}

/// How far a query got, to explain a timeout.
#[derive(Debug, Default)]
struct Progress {
    has_token: AtomicBool,
    last: Mutex<Option<String>>,
}

impl Progress {
    fn at(&self, stage: Stage) {
        self.has_token.store(stage == Stage::BigQuery, Ordering::Relaxed);
    }

    fn note(&self, what: String) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// The error for a query that timed out at this point.
    fn out_of_time(&self, timeout: Duration) -> Error {
        let (reason, silent) = if self.has_token.load(Ordering::Relaxed) {
            (Reason::Timeout, "the first request was not answered")
        } else {
            (
                Reason::TokenServer,
                "the request for an access token was not answered",
            )
        };
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let last = last.unwrap_or_else(|| silent.to_owned());
        Error::new(reason, format!("no complete answer within {timeout:?}: {last}"))
    }
}

/// The project to bill, if it is known without a request.
fn project(config: &Config, origin: &Origin) -> Result<Option<Project>, Invalid> {
    let Origin::File(path) = origin else {
        return Ok(config.project.clone());
    };
    let file = File::read(path)?;
    match config.project.clone().or(file.project) {
        Some(project) => Ok(Some(project)),
        None => Err(Invalid::new(format!(
            "the credential file '{}' names no project: expected --project, e.g. my-project-123",
            path.display()
        ))),
    }
}
