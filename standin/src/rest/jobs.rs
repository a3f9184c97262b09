//! `jobs.insert`, `jobs.get` and `jobs.cancel`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{JsonBody, boolean};
use super::extract::{PathNames, QueryString};
use super::job::{Details, Job, now_ms, query_statistics};
use super::plan::{self, Plan};
use super::queries::READING;
use super::request::{QueryConfiguration, QuerySpec};
use super::{ApiError, Jobs, with_etag};
use crate::app::{App, count};
use crate::auth::{Caller, SCOPE_BIGQUERY, SCOPE_CLOUD};
use crate::faults::Effects;

/// The scopes for creating and changing jobs.
const CHANGING: &[&str] = &[SCOPE_BIGQUERY, SCOPE_CLOUD];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InsertRequest {
    #[serde(default)]
    job_reference: Option<JobReference>,
    #[serde(default)]
    configuration: Option<Configuration>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobReference {
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default)]
    job_id: Option<String>,
    #[serde(default)]
    location: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    #[serde(default)]
    query: Option<Value>,
    #[serde(default, deserialize_with = "boolean")]
    dry_run: Option<bool>,
    #[serde(default)]
    labels: Option<Labels>,
}

/// The labels that a caller gives its jobs.
pub(super) type Labels = BTreeMap<String, String>;

pub(super) async fn insert(
    State(app): State<Arc<App>>,
    PathNames(project): PathNames<String>,
    Extension(effects): Extension<Effects>,
    caller: Caller,
    JsonBody(request): JsonBody<InsertRequest>,
) -> Result<Json<Value>, ApiError> {
    caller.require_scope(CHANGING)?;
    plan::require_jobs(&app, &caller, &project)?;
    let reference = request.job_reference.unwrap_or_default();
    if reference
        .project_id
        .as_ref()
        .is_some_and(|named| *named != project)
    {
        return Err(ApiError::invalid(
            "The project in jobReference is not the one in the address",
        ));
    }
    let (query, dry_run, labels) = match request.configuration {
        Some(Configuration {
            query: Some(query),
            dry_run,
            labels,
        }) => (query, dry_run == Some(true), labels),
        _ => {
            return Err(ApiError::invalid(
                "The stand-in runs query jobs only: expected configuration.query",
            ));
        }
    };
    let configuration: QueryConfiguration = serde_json::from_value(query.clone())
        .map_err(|error| ApiError::not_json(format!("Invalid JSON payload received. {error}")))?;
    let spec = Arc::new(configuration.check(&project, reference.location)?);
    let echo = echo(&query, labels.as_ref());
    let plan = plan::plan(&app, &caller, &project, &spec).await;
    if dry_run {
        return Ok(Json(dry(&app, &caller, &project, &plan?, echo)));
    }
    // Errors from here on appear in the job, not in this response.
    let details = details(&caller, &project, reference.job_id, &spec, echo, None, &plan)?;
    let job = Jobs::start(&app, details, plan, effects.incomplete.unwrap_or(0))?;
    Ok(Json(job.resource(&app.url)))
}

/// The response to a dry run: the job was never created, and so has no ID.
fn dry(app: &App, caller: &Caller, project: &str, plan: &Plan, mut configuration: Value) -> Value {
    if let Some(configuration) = configuration.as_object_mut() {
        configuration.insert("dryRun".into(), true.into());
    }
    let bytes = plan.statement.bytes();
    with_etag(json!({
        "kind": "bigquery#job",
        "id": format!("{project}:{}.", plan.location),
        "selfLink": format!("{}/bigquery/v2/projects/{project}/jobs/?location={}", app.url, plan.location),
        "user_email": caller.email(),
        "jobReference": {"projectId": project, "location": plan.location},
        "configuration": configuration,
        "statistics": {
            "creationTime": now_ms().to_string(),
            "totalBytesProcessed": bytes.to_string(),
            "query": query_statistics(&plan.tables, bytes, 0, plan.statement.columns()),
        },
        "status": {"state": "DONE"},
    }))
}

pub(super) fn details(
    caller: &Caller,
    project: &str,
    id: Option<String>,
    spec: &QuerySpec,
    configuration: Value,
    request: Option<String>,
    plan: &Result<Plan, ApiError>,
) -> Result<Details, ApiError> {
    let plan = plan.as_ref().ok();
    let location = plan
        .map(|plan| plan.location.clone())
        .or_else(|| spec.location.clone());
    Ok(Details {
        id: job_id(id.filter(|id| !id.is_empty()))?,
        project: project.to_owned(),
        location: location.unwrap_or_else(|| "US".to_owned()),
        owner: caller.principal.clone(),
        email: caller.email().to_owned(),
        configuration,
        request,
        tables: plan.map(|plan| plan.tables.clone()).unwrap_or_default(),
        processed: plan.map_or(0, |plan| plan.statement.bytes()),
        billed: plan.map_or(0, |plan| plan.billed),
    })
}

/// The part of a job's configuration that `jobs.get` shows.
pub(super) fn echo(query: &Value, labels: Option<&Labels>) -> Value {
    const SHOWN: [&str; 8] = [
        "query",
        "defaultDataset",
        "maximumBytesBilled",
        "parameterMode",
        "priority",
        "queryParameters",
        "useLegacySql",
        "useQueryCache",
    ];
    let shown: serde_json::Map<String, Value> = SHOWN
        .iter()
        .filter_map(|name| {
            Some((
                (*name).to_owned(),
                query.get(name).filter(|value| !value.is_null())?.clone(),
            ))
        })
        .collect();
    let mut configuration = json!({"jobType": "QUERY", "query": shown});
    if let (Some(labels), Some(fields)) = (labels, configuration.as_object_mut()) {
        fields.insert("labels".into(), json!(labels));
    }
    configuration
}

fn job_id(given: Option<String>) -> Result<String, ApiError> {
    let Some(id) = given else {
        let mut random = [0; 14];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| ApiError::backend("no random numbers"))?;
        return Ok(format!("job_{}", hex::encode(random)));
    };
    let valid = id.len() <= 1024
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    match valid {
        true => Ok(id),
        false => Err(ApiError::invalid(format!(
            "Invalid job ID \"{id}\": expected at most 1024 letters, digits, underscores and dashes"
        ))),
    }
}

/// A job of the caller.
pub(super) fn own(
    app: &App,
    caller: &Caller,
    project: &str,
    id: &str,
    location: Option<&str>,
) -> Result<Arc<Job>, ApiError> {
    let location = location.filter(|location| !location.is_empty());
    let full = |location: &str| format!("{project}:{location}.{id}");
    let job = app
        .jobs
        .find(project, id, location)
        .ok_or_else(|| ApiError::not_found(format!("Not found: Job {}", full(location.unwrap_or("US")))))?;
    if job.details.owner != caller.principal {
        return Err(ApiError::access_denied(format!(
            "Access Denied: Job {}: User does not have bigquery.jobs.get permission for job {}.",
            job.full_id(),
            job.full_id()
        )));
    }
    Ok(job)
}

#[derive(Deserialize)]
pub(super) struct LocationQuery {
    location: Option<String>,
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    PathNames((project, id)): PathNames<(String, String)>,
    caller: Caller,
    QueryString(query): QueryString<LocationQuery>,
) -> Result<Json<Value>, ApiError> {
    caller.require_scope(READING)?;
    let job = own(&app, &caller, &project, &id, query.location.as_deref())?;
    let resource = job.resource(&app.url);
    job.take_hold();
    Ok(Json(resource))
}

pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    PathNames((project, id)): PathNames<(String, String)>,
    caller: Caller,
    QueryString(query): QueryString<LocationQuery>,
) -> Result<Json<Value>, ApiError> {
    count(&app.counts.cancels);
    caller.require_scope(CHANGING)?;
    let job = own(&app, &caller, &project, &id, query.location.as_deref())?;
    job.cancel();
    Ok(Json(
        json!({"kind": "bigquery#jobCancelResponse", "job": job.resource(&app.url)}),
    ))
}
