use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{ApiError, with_etag};
use crate::sql::{Column, Row, TableName};

/// The result of a job.
#[derive(Debug)]
pub(super) struct Results {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// The progress of a job.
#[derive(Debug, Clone)]
pub(super) enum Phase {
    Running,
    Done(Arc<Results>),
    Failed(ApiError),
}

/// The properties of a job that never change.
#[derive(Debug)]
pub(super) struct Details {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) location: String,
    /// Its creator, in the form of an IAM member.
    pub(super) owner: String,
    pub(super) email: String,
    /// As it was sent, for `jobs.get`.
    pub(super) configuration: Value,
    /// The request ID: a request with the same one is the same request.
    pub(super) request: Option<String>,
    pub(super) tables: Vec<TableName>,
    pub(super) processed: u64,
    pub(super) billed: u64,
}

/// A query job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) details: Details,
    pub(super) created_ms: u64,
    ended_ms: OnceLock<u64>,
    phase: watch::Sender<Phase>,
    /// How many responses a fault still makes incomplete.
    held: AtomicU32,
    /// The result's size in memory.
    pub(super) size: AtomicU64,
}

impl Job {
    pub(super) fn new(details: Details) -> Self {
        Self {
            details,
            created_ms: now_ms(),
            ended_ms: OnceLock::new(),
            phase: watch::channel(Phase::Running).0,
            held: AtomicU32::new(0),
            size: AtomicU64::new(0),
        }
    }

    /// Makes this many responses incomplete.
    pub(super) fn hold(&self, answers: u32) {
        self.held.store(answers, Ordering::Relaxed);
    }

    /// Waits for the end of the job, at most this long, and returns the phase that the caller is to see.
    pub(super) async fn wait(&self, longest: Duration) -> Phase {
        if self.take_hold() {
            return Phase::Running;
        }
        let mut phase = self.phase.subscribe();
        let ended =
            tokio::time::timeout(longest, phase.wait_for(|phase| !matches!(phase, Phase::Running))).await;
        match ended {
            Ok(Ok(phase)) => phase.clone(),
            _ => Phase::Running,
        }
    }

    /// The current phase.
    pub(super) fn phase(&self) -> Phase {
        match self.held.load(Ordering::Relaxed) {
            0 => self.phase.borrow().clone(),
            _ => Phase::Running,
        }
    }

    /// Whether a fault makes this response incomplete; counts it down.
    pub(super) fn take_hold(&self) -> bool {
        self.held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| held.checked_sub(1))
            .is_ok()
    }

    /// Ends the job, unless it has ended.
    pub(super) fn end(&self, with: Phase) {
        let changed = self.phase.send_if_modified(|phase| {
            let running = matches!(phase, Phase::Running);
            if running {
                *phase = with;
            }
            running
        });
        if changed {
            self.ended_ms.get_or_init(now_ms);
        }
    }

    /// Cancels the job, unless a caller could already have seen its end.
    pub(super) fn cancel(&self) {
        let held = self.held.swap(0, Ordering::Relaxed) > 0;
        self.phase.send_if_modified(|phase| {
            let cancel = held || matches!(phase, Phase::Running);
            if cancel {
                *phase = Phase::Failed(ApiError::cancelled());
            }
            cancel
        });
        self.ended_ms.get_or_init(now_ms);
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Running)
    }

    /// `PROJECT:LOCATION.JOB`.
    pub(super) fn full_id(&self) -> String {
        format!(
            "{}:{}.{}",
            self.details.project, self.details.location, self.details.id
        )
    }

    pub(super) fn reference(&self) -> Value {
        json!({
            "projectId": self.details.project,
            "jobId": self.details.id,
            "location": self.details.location,
        })
    }

    /// The job as `jobs.get` returns it.
    pub(super) fn resource(&self, url: &str) -> Value {
        let details = &self.details;
        let phase = self.phase();
        let mut statistics = json!({
            "creationTime": self.created_ms.to_string(),
            "startTime": self.created_ms.to_string(),
        });
        let status = match &phase {
            Phase::Running => json!({"state": "RUNNING"}),
            Phase::Done(_) => json!({"state": "DONE"}),
            Phase::Failed(error) => {
                let error = error.as_job_error();
                json!({"state": "DONE", "errorResult": error, "errors": [error]})
            }
        };
        if let (Some(statistics), Some(ended)) = (statistics.as_object_mut(), self.ended_ms.get()) {
            if !matches!(phase, Phase::Running) {
                statistics.insert("endTime".into(), ended.to_string().into());
            }
            if let Phase::Done(results) = &phase {
                statistics.insert("totalBytesProcessed".into(), details.processed.to_string().into());
                statistics.insert("query".into(), self.query_statistics(results));
            }
        }
        with_etag(json!({
            "kind": "bigquery#job",
            "id": self.full_id(),
            "selfLink": format!(
                "{url}/bigquery/v2/projects/{}/jobs/{}?location={}",
                details.project, details.id, details.location
            ),
            "user_email": details.email,
            "jobReference": self.reference(),
            "configuration": details.configuration,
            "statistics": statistics,
            "status": status,
        }))
    }

    fn query_statistics(&self, results: &Results) -> Value {
        query_statistics(
            &self.details.tables,
            self.details.processed,
            self.details.billed,
            &results.columns,
        )
    }
}

/// The statistics of a query, for a job or a dry run.
pub(super) fn query_statistics(
    tables: &[TableName],
    processed: u64,
    billed: u64,
    columns: &[Column],
) -> Value {
    let tables: Vec<Value> = tables
        .iter()
        .map(|table| json!({"projectId": table.project, "datasetId": table.dataset, "tableId": table.table}))
        .collect();
    json!({
        "statementType": "SELECT",
        "cacheHit": false,
        "totalBytesProcessed": processed.to_string(),
        "totalBytesBilled": billed.to_string(),
        "referencedTables": tables,
        "schema": super::page::schema(columns),
    })
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
