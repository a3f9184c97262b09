//! `jobs.list`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{PathNames, QueryString};
use super::job::{Job, Phase};
use super::queries::READING;
use super::{ApiError, page, with_etag};
use crate::app::App;
use crate::auth::Caller;

/// The number of jobs on a page by default and at most.
const LIST_ROWS: usize = 50;
const MAX_LIST_ROWS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListQuery {
    max_results: Option<usize>,
    page_token: Option<String>,
    state_filter: Option<String>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    PathNames(project): PathNames<String>,
    caller: Caller,
    QueryString(query): QueryString<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    caller.require_scope(READING)?;
    if !app
        .authority
        .with_policy(|policy| policy.is_member(&caller.principal, &project))
    {
        return Err(ApiError::access_denied(format!(
            "Access Denied: Project {project}: User does not have bigquery.jobs.list permission in project {project}."
        )));
    }
    let start = page::start("jobs", query.page_token.as_deref(), None)?;
    let state = |job: &Job| {
        if matches!(job.phase(), Phase::Running) {
            "RUNNING"
        } else {
            "DONE"
        }
    };
    let filter = query.state_filter.as_deref();
    let jobs: Vec<_> = app
        .jobs
        .of(&project, &caller.principal)
        .into_iter()
        .filter(|job| filter.is_none_or(|filter| filter.eq_ignore_ascii_case(state(job))))
        .collect();
    let most = query.max_results.unwrap_or(LIST_ROWS).min(MAX_LIST_ROWS);
    let shown: Vec<Value> = jobs
        .iter()
        .skip(start)
        .take(most)
        .map(|job| {
            let mut resource = job.resource(&app.url);
            if let Some(fields) = resource.as_object_mut() {
                fields.insert("state".into(), state(job).into());
                fields.remove("etag");
                fields.remove("selfLink");
            }
            resource
        })
        .collect();
    let end = start.saturating_add(shown.len());
    let mut body = json!({"kind": "bigquery#jobList", "jobs": shown});
    if let (true, Some(fields)) = (end < jobs.len(), body.as_object_mut()) {
        fields.insert("nextPageToken".into(), page::token("jobs", end).into());
    }
    Ok(Json(with_etag(body)))
}
