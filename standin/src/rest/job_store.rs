use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::ApiError;
use super::job::{Details, Job, Phase, Results, now_ms};
use super::plan::Plan;
use crate::app::{App, count};
use crate::sql::Row;

/// The most jobs that are kept; the oldest are removed first.
const MAX_JOBS: usize = 1000;
/// The most memory that kept results take.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// The most jobs that run at the same time; the others wait.
const MAX_RUNNING: usize = 4;
/// The most jobs that run or wait.
const MAX_QUEUED: usize = 100;
/// For how long a repeated request returns the same job.
const REQUEST_MS: u64 = 15 * 60 * 1000;

/// The recent jobs, oldest first.
#[derive(Debug)]
pub(crate) struct Jobs {
    kept: Mutex<VecDeque<Arc<Job>>>,
    running: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            running: Arc::new(Semaphore::new(MAX_RUNNING)),
        }
    }
}

impl Jobs {
    /// Adds a job and runs it, or lets it fail as planned; or returns the job of an earlier identical request.
    pub(super) fn start(
        app: &Arc<App>,
        details: Details,
        plan: Result<Plan, ApiError>,
        held: u32,
    ) -> Result<Arc<Job>, ApiError> {
        let job = Arc::new(Job::new(details));
        job.hold(held);
        let kept = app.jobs.add(&job)?;
        if !Arc::ptr_eq(&kept, &job) {
            return Ok(kept);
        }
        count(&app.counts.jobs_created);
        match plan {
            Ok(plan) => {
                tokio::spawn(run(Arc::clone(app), Arc::clone(&job), plan));
            }
            Err(error) => job.end(Phase::Failed(error)),
        }
        Ok(job)
    }

    fn add(&self, job: &Arc<Job>) -> Result<Arc<Job>, ApiError> {
        let mut kept = self.lock();
        let details = &job.details;
        // Two identical requests may have been planned at the same time; the second one finds the job of the first
        // here.
        if let Some(same) = details.request.as_deref().and_then(|same| made_by(&kept, same)) {
            return Ok(same);
        }
        if kept
            .iter()
            .any(|known| known.details.project == details.project && known.details.id == details.id)
        {
            return Err(ApiError::duplicate(format!(
                "Already Exists: Job {}",
                job.full_id()
            )));
        }
        if kept.iter().filter(|known| known.is_running()).count() >= MAX_QUEUED {
            return Err(ApiError::rate_limited(
                "Exceeded rate limits: too many concurrent queries for this project_and_region.",
            ));
        }
        kept.push_back(Arc::clone(job));
        evict(&mut kept);
        Ok(Arc::clone(job))
    }

    /// A job by its project, ID and, if given, location.
    pub(super) fn find(&self, project: &str, id: &str, location: Option<&str>) -> Option<Arc<Job>> {
        let here =
            |job: &Job| location.is_none_or(|location| location.eq_ignore_ascii_case(&job.details.location));
        self.lock()
            .iter()
            .find(|job| job.details.project == project && job.details.id == id && here(job))
            .cloned()
    }

    /// The job of an identical request, unless it failed.
    pub(super) fn same_request(&self, request: &str) -> Option<Arc<Job>> {
        made_by(&self.lock(), request)
    }

    /// The caller's own jobs of a project, newest first.
    pub(super) fn of(&self, project: &str, owner: &str) -> Vec<Arc<Job>> {
        let kept = self.lock();
        let own = kept
            .iter()
            .rev()
            .filter(|job| job.details.project == project && job.details.owner == owner);
        own.cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn made_by(kept: &VecDeque<Arc<Job>>, request: &str) -> Option<Arc<Job>> {
    let oldest = now_ms().saturating_sub(REQUEST_MS);
    let same = |job: &&Arc<Job>| {
        job.details.request.as_deref() == Some(request)
            && job.created_ms >= oldest
            && !matches!(job.phase(), Phase::Failed(_))
    };
    kept.iter().find(same).cloned()
}

/// Removes the oldest ended jobs until the limits hold; the newest one stays.
fn evict(kept: &mut VecDeque<Arc<Job>>) {
    let mut bytes: u64 = kept.iter().map(|job| job.size.load(Ordering::Relaxed)).sum();
    while kept.len() > MAX_JOBS || (bytes > MAX_BYTES && kept.len() > 1) {
        let Some(index) = kept.iter().position(|job| !job.is_running()) else {
            return;
        };
        if let Some(job) = kept.remove(index) {
            // A job that ended meanwhile may be larger than when it was counted.
            bytes = bytes.saturating_sub(job.size.load(Ordering::Relaxed));
        }
    }
}

async fn run(app: Arc<App>, job: Arc<Job>, plan: Plan) {
    let Ok(_slot) = Arc::clone(&app.jobs.running).acquire_owned().await else {
        return;
    };
    if !job.is_running() {
        return;
    }
    let database = Arc::clone(&app.database);
    let columns = plan.statement.columns().to_vec();
    let rows = tokio::task::spawn_blocking(move || database.run(&plan.statement)).await;
    let phase = match rows {
        Ok(Ok(rows)) => {
            let size = rows.iter().map(row_size).sum();
            if size > MAX_BYTES {
                Phase::Failed(ApiError::response_too_large())
            } else {
                job.size.store(size, Ordering::Relaxed);
                Phase::Done(Arc::new(Results { columns, rows }))
            }
        }
        Ok(Err(error)) => Phase::Failed(error.into()),
        Err(error) => Phase::Failed(ApiError::backend(&error.to_string())),
    };
    job.end(phase);
    evict(&mut app.jobs.lock());
}

fn row_size(row: &Row) -> u64 {
    row.iter()
        .map(|cell| 24 + cell.as_ref().map_or(0, String::len) as u64)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: usize, ended: bool, size: u64) -> Arc<Job> {
        let job = Job::new(Details {
            id: number.to_string(),
            project: "p".into(),
            location: "US".into(),
            owner: "user:a@example.com".into(),
            email: "a@example.com".into(),
            configuration: serde_json::Value::Null,
            request: None,
            tables: Vec::new(),
            processed: 0,
            billed: 0,
        });
        job.size.store(size, Ordering::Relaxed);
        if ended {
            job.end(Phase::Failed(ApiError::cancelled()));
        }
        Arc::new(job)
    }

    fn ids(kept: &VecDeque<Arc<Job>>) -> Vec<&str> {
        kept.iter().map(|job| job.details.id.as_str()).collect()
    }

    #[test]
    fn the_oldest_ended_jobs_go_first() {
        let mut kept: VecDeque<_> = (0..MAX_JOBS + 3).map(|n| job(n, n != 0, 1)).collect();
        evict(&mut kept);
        assert_eq!(kept.len(), MAX_JOBS);
        assert_eq!(ids(&kept)[..2], ["0", "4"], "the one that runs stays");
    }

    #[test]
    fn results_go_when_they_take_too_much_memory_but_the_newest_stays() {
        let mut kept: VecDeque<_> = (0..3).map(|n| job(n, true, MAX_BYTES / 2)).collect();
        evict(&mut kept);
        assert_eq!(ids(&kept), ["1", "2"]);
        kept.push_back(job(3, true, MAX_BYTES * 2));
        evict(&mut kept);
        assert_eq!(ids(&kept), ["3"]);
    }
}
