//! Turns a checked query into a statement that may run: access, existence, location, price.

use std::sync::Arc;

use super::ApiError;
use super::request::QuerySpec;
use crate::app::App;
use crate::auth::Caller;
use crate::sql::{Query, Statement, TableName};

const MEBIBYTE: u64 = 1024 * 1024;
/// BigQuery bills at least this many bytes for each table.
const LEAST_BILLED: u64 = 10 * MEBIBYTE;
/// The location of jobs that name neither a table nor a location.
const DEFAULT_LOCATION: &str = "US";

/// A statement that may run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) statement: Statement,
    pub(super) tables: Vec<TableName>,
    pub(super) location: String,
    pub(super) billed: u64,
}

/// Refuses callers who may not create jobs in the project.
pub(super) fn require_jobs(app: &App, caller: &Caller, project: &str) -> Result<(), ApiError> {
    match app
        .authority
        .with_policy(|policy| policy.may_run_jobs(&caller.principal, project))
    {
        true => Ok(()),
        false => Err(ApiError::access_denied(format!(
            "Access Denied: Project {project}: User does not have bigquery.jobs.create permission in project {project}."
        ))),
    }
}

/// Plans on a thread that may block.
pub(super) async fn plan(
    app: &Arc<App>,
    caller: &Caller,
    project: &str,
    spec: &Arc<QuerySpec>,
) -> Result<Plan, ApiError> {
    let (app, principal) = (Arc::clone(app), caller.principal.clone());
    let (project, spec) = (project.to_owned(), Arc::clone(spec));
    tokio::task::spawn_blocking(move || make(&app, &principal, &project, &spec))
        .await
        .map_err(|error| ApiError::backend(&error.to_string()))?
}

fn make(app: &App, principal: &str, project: &str, spec: &QuerySpec) -> Result<Plan, ApiError> {
    let query = Query {
        sql: &spec.sql,
        project,
        dataset: spec
            .dataset
            .as_ref()
            .map(|(project, dataset)| (project.as_str(), dataset.as_str())),
        parameters: &spec.parameters,
    };
    let mut tables = app.database.tables_of(&query)?;
    tables.dedup();
    let mut location = spec.location.clone();
    for name in &tables {
        let asked = spec.location.as_deref().unwrap_or(DEFAULT_LOCATION);
        let kept = require_readable(app, principal, name, asked)?;
        // A job runs where its data is.
        match &location {
            None => location = Some(kept),
            Some(location) if location.eq_ignore_ascii_case(&kept) => {}
            Some(location) => return Err(ApiError::no_dataset(&name.project, &name.dataset, location)),
        }
    }
    let statement = app.database.prepare(&query)?;
    // The tables that are read decide, in case there are more than were found in the text.
    for name in statement.tables().iter().filter(|name| !tables.contains(name)) {
        require_readable(app, principal, name, DEFAULT_LOCATION)?;
    }
    let billed = match tables.len() as u64 {
        0 => 0,
        tables => statement
            .bytes()
            .next_multiple_of(MEBIBYTE)
            .max(LEAST_BILLED * tables),
    };
    if let Some(limit) = spec.maximum_bytes_billed.filter(|limit| *limit < billed) {
        return Err(ApiError::over_bytes(limit, billed));
    }
    Ok(Plan {
        statement,
        tables,
        location: location.unwrap_or_else(|| DEFAULT_LOCATION.to_owned()),
        billed,
    })
}

/// The location of a table that exists and may be read. A caller who may not read a dataset does not learn what is in
/// it.
fn require_readable(app: &App, principal: &str, name: &TableName, asked: &str) -> Result<String, ApiError> {
    let (readable, member) = app.authority.with_policy(|policy| {
        let readable = policy.may_read(principal, &name.project, &name.dataset);
        (readable, policy.is_member(principal, &name.project))
    });
    let mut siblings = app
        .database
        .tables()
        .iter()
        .filter(|table| table.name.project == name.project && table.name.dataset == name.dataset);
    let dataset_exists = siblings.clone().next().is_some();
    let denied = || {
        let full = format!("{}:{}.{}", name.project, name.dataset, name.table);
        ApiError::access_denied(format!(
            "Access Denied: Table {full}: User does not have permission to query table {full}, or perhaps it does not exist."
        ))
    };
    match (readable, dataset_exists) {
        (false, true) => Err(denied()),
        (false, false) if !member => Err(denied()),
        (_, false) => Err(ApiError::no_dataset(&name.project, &name.dataset, asked)),
        (true, true) => siblings
            .find(|table| table.name.table == name.table)
            .map(|table| table.location.clone())
            .ok_or_else(|| ApiError::no_table(name, asked)),
    }
}
