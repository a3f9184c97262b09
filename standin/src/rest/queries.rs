//! `jobs.query` and `jobs.getQueryResults`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{JsonBody, boolean, number};
use super::extract::{PathNames, QueryString};
use super::job::{Job, Phase};
use super::request::QueryConfiguration;
use super::{ApiError, jobs, page, plan, with_etag};
use crate::app::App;
use crate::auth::{Caller, SCOPE_BIGQUERY, SCOPE_CLOUD, SCOPE_READ_ONLY};
use crate::faults::Effects;
use crate::rest::Jobs;

/// How long `jobs.query` and `getQueryResults` wait for the job by default.
const WAIT_MS: u64 = 10_000;
/// The longest that they wait.
const LONGEST_WAIT_MS: u64 = 200_000;

/// Every scope that reads.
pub(super) const READING: &[&str] = &[SCOPE_BIGQUERY, SCOPE_CLOUD, SCOPE_READ_ONLY];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryRequest {
    #[serde(flatten)]
    configuration: Value,
    #[serde(default)]
    labels: Option<jobs::Labels>,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default, deserialize_with = "boolean")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "number")]
    max_results: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    timeout_ms: Option<u64>,
    #[serde(default)]
    format_options: Option<FormatOptions>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatOptions {
    #[serde(default, deserialize_with = "boolean")]
    use_int64_timestamp: Option<bool>,
    #[serde(default)]
    timestamp_output_format: Option<String>,
}

/// The requested form of the rows.
struct Wanted {
    start: usize,
    rows: Option<u64>,
    int64_timestamps: bool,
}

pub(super) async fn query(
    State(app): State<Arc<App>>,
    PathNames(project): PathNames<String>,
    Extension(effects): Extension<Effects>,
    caller: Caller,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Json<Value>, ApiError> {
    caller.require_scope(READING)?;
    plan::require_jobs(&app, &caller, &project)?;
    let format = request.format_options.unwrap_or_default();
    let wanted = Wanted {
        start: 0,
        rows: request.max_results,
        int64_timestamps: int64(
            format.use_int64_timestamp,
            format.timestamp_output_format.as_deref(),
        )?,
    };
    let configuration: QueryConfiguration = serde_json::from_value(request.configuration.clone())
        .map_err(|error| ApiError::not_json(format!("Invalid JSON payload received. {error}")))?;
    let echo = jobs::echo(&request.configuration, request.labels.as_ref());
    let spec = Arc::new(configuration.check(&project, request.location)?);
    if request.dry_run == Some(true) {
        let plan = plan::plan(&app, &caller, &project, &spec).await?;
        return Ok(Json(json!({
            "kind": "bigquery#queryResponse",
            "schema": shown_schema(plan.statement.columns(), &effects),
            "jobReference": {"projectId": project, "location": plan.location},
            "totalBytesProcessed": plan.statement.bytes().to_string(),
            "jobComplete": true,
            "cacheHit": false,
        })));
    }
    let same = request
        .request_id
        .map(|id| format!("{}\n{project}\n{id}\n{spec:?}", caller.principal));
    let held = effects.incomplete.map_or(0, |polls| polls.saturating_add(1));
    let job = match same.as_deref().and_then(|same| app.jobs.same_request(same)) {
        Some(job) => job,
        None => {
            let plan = plan::plan(&app, &caller, &project, &spec).await;
            let details = jobs::details(&caller, &project, None, &spec, echo, same, &plan)?;
            Jobs::start(&app, details, plan, held)?
        }
    };
    let phase = job.wait(wait(request.timeout_ms)).await;
    answer("bigquery#queryResponse", &job, phase, &wanted, &effects).map(Json)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultsQuery {
    location: Option<String>,
    max_results: Option<u64>,
    start_index: Option<u64>,
    page_token: Option<String>,
    timeout_ms: Option<u64>,
    // Python's client sends `True`.
    #[serde(
        rename = "formatOptions.useInt64Timestamp",
        default,
        deserialize_with = "boolean"
    )]
    use_int64_timestamp: Option<bool>,
    #[serde(rename = "formatOptions.timestampOutputFormat")]
    timestamp_output_format: Option<String>,
}

pub(super) async fn results(
    State(app): State<Arc<App>>,
    PathNames((project, id)): PathNames<(String, String)>,
    Extension(effects): Extension<Effects>,
    caller: Caller,
    QueryString(query): QueryString<ResultsQuery>,
) -> Result<Json<Value>, ApiError> {
    caller.require_scope(READING)?;
    let job = jobs::own(&app, &caller, &project, &id, query.location.as_deref())?;
    let wanted = Wanted {
        start: page::start(&job.details.id, query.page_token.as_deref(), query.start_index)?,
        rows: query.max_results,
        int64_timestamps: int64(
            query.use_int64_timestamp,
            query.timestamp_output_format.as_deref(),
        )?,
    };
    if let Some(polls) = effects.incomplete {
        job.hold(polls.saturating_add(1));
    }
    let phase = job.wait(wait(query.timeout_ms)).await;
    answer("bigquery#getQueryResultsResponse", &job, phase, &wanted, &effects)
        .map(|body| Json(with_etag(body)))
}

fn wait(asked: Option<u64>) -> Duration {
    Duration::from_millis(asked.unwrap_or(WAIT_MS).min(LONGEST_WAIT_MS))
}

fn int64(flag: Option<bool>, format: Option<&str>) -> Result<bool, ApiError> {
    match format.map(str::to_ascii_uppercase).as_deref() {
        None | Some("" | "TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED") => Ok(flag.unwrap_or(false)),
        Some("INT64") => Ok(true),
        Some("FLOAT64") => Ok(false),
        Some(other) => Err(ApiError::invalid(format!(
            "Invalid timestampOutputFormat {other}: expected INT64 or FLOAT64, which the stand-in has"
        ))),
    }
}

fn shown_schema(columns: &[crate::sql::Column], effects: &Effects) -> Value {
    match effects.no_fields {
        true => json!({}),
        false => page::schema(columns),
    }
}

fn answer(
    kind: &str,
    job: &Job,
    phase: Phase,
    wanted: &Wanted,
    effects: &Effects,
) -> Result<Value, ApiError> {
    let mut body = json!({"kind": kind, "jobReference": job.reference(), "jobComplete": false});
    let results = match phase {
        Phase::Running => return Ok(body),
        Phase::Failed(error) => return Err(error),
        Phase::Done(results) => results,
    };
    let limit = wanted
        .rows
        .unwrap_or(u64::MAX)
        .min(effects.page_rows.unwrap_or(u64::MAX));
    let rest = results.rows.get(wanted.start..).unwrap_or_default();
    let most = usize::try_from(limit).unwrap_or(usize::MAX).min(rest.len());
    let rows = page::rows(
        rest.get(..most).unwrap_or_default(),
        &results.columns,
        wanted.int64_timestamps,
    );
    let shown = rows.len();
    let Some(fields) = body.as_object_mut() else {
        return Ok(body);
    };
    fields.insert("jobComplete".into(), true.into());
    fields.insert("schema".into(), shown_schema(&results.columns, effects));
    fields.insert("totalRows".into(), results.rows.len().to_string().into());
    fields.insert(
        "totalBytesProcessed".into(),
        job.details.processed.to_string().into(),
    );
    fields.insert("cacheHit".into(), false.into());
    // As at Google, a page without rows has no list of them.
    if shown > 0 && !effects.no_rows {
        fields.insert("rows".into(), rows.into());
    }
    if shown < rest.len() {
        fields.insert(
            "pageToken".into(),
            page::token(&job.details.id, wanted.start + shown).into(),
        );
    }
    if kind == "bigquery#queryResponse" {
        fields.insert("totalBytesBilled".into(), job.details.billed.to_string().into());
        fields.insert("queryId".into(), job.details.id.clone().into());
    }
    Ok(body)
}
