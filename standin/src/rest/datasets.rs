//! `datasets.list` and `datasets.get`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::extract::PathNames;
use super::queries::READING;
use super::{ApiError, with_etag};
use crate::app::App;
use crate::auth::Caller;
use crate::sql::Table;

/// Refuses callers who may not read the dataset. Only those who may, and members of the project, learn that a dataset
/// does not exist.
pub(super) fn require_dataset(
    app: &App,
    caller: &Caller,
    project: &str,
    dataset: &str,
    denied: impl FnOnce() -> ApiError,
) -> Result<(), ApiError> {
    let exists = tables(app, project).any(|table| table.name.dataset == dataset);
    let (readable, member) = app.authority.with_policy(|policy| {
        let principal = &caller.principal;
        (
            policy.may_read(principal, project, dataset),
            policy.is_member(principal, project),
        )
    });
    match (readable, exists) {
        (true, true) => Ok(()),
        (false, true) => Err(denied()),
        (false, false) if !member => Err(denied()),
        (_, false) => Err(ApiError::not_found(format!(
            "Not found: Dataset {project}:{dataset}"
        ))),
    }
}

/// Refuses callers who may not read the dataset, with the message for a request about the dataset itself.
pub(super) fn require_readable(
    app: &App,
    caller: &Caller,
    project: &str,
    dataset: &str,
    permission: &str,
) -> Result<(), ApiError> {
    caller.require_scope(READING)?;
    require_dataset(app, caller, project, dataset, || {
        ApiError::access_denied(format!(
            "Access Denied: Dataset {project}:{dataset}: Permission {permission} denied on dataset {project}:{dataset} (or it may not exist)."
        ))
    })
}

pub(super) fn tables<'a>(app: &'a App, project: &'a str) -> impl Iterator<Item = &'a Table> {
    app.database
        .tables()
        .iter()
        .filter(move |table| table.name.project == project)
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    PathNames(project): PathNames<String>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    caller.require_scope(READING)?;
    // As at Google, the list omits datasets that the caller may not read.
    let found: BTreeMap<&str, &Table> = app.authority.with_policy(|policy| {
        tables(&app, &project)
            .filter(|table| policy.may_read(&caller.principal, &project, &table.name.dataset))
            .map(|table| (table.name.dataset.as_str(), table))
            .collect()
    });
    let datasets: Vec<Value> = found
        .iter()
        .map(|(dataset, table)| {
            json!({
                "kind": "bigquery#dataset",
                "id": format!("{project}:{dataset}"),
                "datasetReference": {"projectId": project, "datasetId": dataset},
                "location": table.location,
            })
        })
        .collect();
    Ok(Json(with_etag(
        json!({"kind": "bigquery#datasetList", "datasets": datasets}),
    )))
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    PathNames((project, dataset)): PathNames<(String, String)>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    require_readable(&app, &caller, &project, &dataset, "bigquery.datasets.get")?;
    let mut members = tables(&app, &project).filter(|table| table.name.dataset == dataset);
    let first = members
        .next()
        .ok_or_else(|| ApiError::not_found("Not found: Dataset"))?;
    Ok(Json(with_etag(json!({
        "kind": "bigquery#dataset",
        "id": format!("{project}:{dataset}"),
        "selfLink": format!("{}/bigquery/v2/projects/{project}/datasets/{dataset}", app.url),
        "datasetReference": {"projectId": project, "datasetId": dataset},
        "creationTime": first.created_ms.to_string(),
        "lastModifiedTime": first.created_ms.to_string(),
        "location": first.location,
        "type": "DEFAULT",
    }))))
}
