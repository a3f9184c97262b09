//! `tables.list`, `tables.get` and `tabledata.list`.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::boolean;
use super::datasets::{require_dataset, require_readable, tables};
use super::extract::{PathNames, QueryString};
use super::queries::READING;
use super::{ApiError, page, with_etag};
use crate::app::App;
use crate::auth::Caller;
use crate::faults::Effects;
use crate::sql::{Row, Table};

/// The most rows that are read for one page.
const MAX_ROWS: u64 = 100_000;

fn reference(table: &Table) -> Value {
    json!({
        "projectId": table.name.project,
        "datasetId": table.name.dataset,
        "tableId": table.name.table,
    })
}

fn full_id(table: &Table) -> String {
    format!(
        "{}:{}.{}",
        table.name.project, table.name.dataset, table.name.table
    )
}

/// A table that the caller may read.
fn readable<'a>(
    app: &'a App,
    caller: &Caller,
    (project, dataset, table): (&'a str, &str, &str),
    permission: &str,
) -> Result<&'a Table, ApiError> {
    caller.require_scope(READING)?;
    let full = format!("{project}:{dataset}.{table}");
    require_dataset(app, caller, project, dataset, || {
        ApiError::access_denied(format!(
            "Access Denied: Table {full}: Permission {permission} denied on table {full} (or it may not exist)."
        ))
    })?;
    tables(app, project)
        .find(|known| known.name.dataset == dataset && known.name.table == table)
        .ok_or_else(|| ApiError::not_found(format!("Not found: Table {full}")))
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    PathNames((project, dataset)): PathNames<(String, String)>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    require_readable(&app, &caller, &project, &dataset, "bigquery.tables.list")?;
    let found: Vec<Value> = tables(&app, &project)
        .filter(|table| table.name.dataset == dataset)
        .map(|table| {
            json!({
                "kind": "bigquery#table",
                "id": full_id(table),
                "tableReference": reference(table),
                "type": "TABLE",
                "creationTime": table.created_ms.to_string(),
            })
        })
        .collect();
    let total = found.len();
    Ok(Json(with_etag(
        json!({"kind": "bigquery#tableList", "tables": found, "totalItems": total}),
    )))
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    PathNames((project, dataset, table)): PathNames<(String, String, String)>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    let table = readable(&app, &caller, (&project, &dataset, &table), "bigquery.tables.get")?;
    Ok(Json(with_etag(json!({
        "kind": "bigquery#table",
        "id": full_id(table),
        "selfLink": format!("{}/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{}", app.url, table.name.table),
        "tableReference": reference(table),
        "schema": page::schema(&table.columns),
        "numRows": table.rows.to_string(),
        "numBytes": table.bytes.to_string(),
        "numLongTermBytes": "0",
        "creationTime": table.created_ms.to_string(),
        "lastModifiedTime": table.created_ms.to_string(),
        "type": "TABLE",
        "location": table.location,
    }))))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataQuery {
    max_results: Option<u64>,
    start_index: Option<u64>,
    page_token: Option<String>,
    selected_fields: Option<String>,
    // Python's client sends `True`.
    #[serde(
        rename = "formatOptions.useInt64Timestamp",
        default,
        deserialize_with = "boolean"
    )]
    use_int64_timestamp: Option<bool>,
}

pub(super) async fn data(
    State(app): State<Arc<App>>,
    PathNames((project, dataset, table)): PathNames<(String, String, String)>,
    Extension(effects): Extension<Effects>,
    caller: Caller,
    QueryString(query): QueryString<DataQuery>,
) -> Result<Json<Value>, ApiError> {
    let table = readable(
        &app,
        &caller,
        (&project, &dataset, &table),
        "bigquery.tables.getData",
    )?;
    let of = full_id(table);
    let start = page::start(&of, query.page_token.as_deref(), query.start_index)?;
    let limit = query
        .max_results
        .unwrap_or(MAX_ROWS)
        .min(effects.page_rows.unwrap_or(MAX_ROWS))
        .min(MAX_ROWS);
    let (database, name) = (Arc::clone(&app.database), table.name.clone());
    let from = u64::try_from(start).unwrap_or(u64::MAX);
    let rows = match from < table.rows {
        true => tokio::task::spawn_blocking(move || database.list(&name, from, limit))
            .await
            .map_err(|error| ApiError::backend(&error.to_string()))??,
        false => Vec::new(),
    };
    let (rows, columns) = select(rows, table, query.selected_fields.as_deref())?;
    let rows = page::rows(&rows, &columns, query.use_int64_timestamp.unwrap_or(false));
    let end = start.saturating_add(rows.len());
    let mut body = json!({"kind": "bigquery#tableDataList", "totalRows": table.rows.to_string()});
    if let Some(fields) = body.as_object_mut() {
        if u64::try_from(end).is_ok_and(|end| end < table.rows) {
            fields.insert("pageToken".into(), page::token(&of, end).into());
        }
        if !rows.is_empty() && !effects.no_rows {
            fields.insert("rows".into(), rows.into());
        }
    }
    Ok(Json(with_etag(body)))
}

/// The requested columns, in the table's order.
fn select(
    rows: Vec<Row>,
    table: &Table,
    fields: Option<&str>,
) -> Result<(Vec<Row>, Vec<crate::sql::Column>), ApiError> {
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else {
        return Ok((rows, table.columns.clone()));
    };
    let asked: Vec<&str> = fields.split(',').map(str::trim).collect();
    let is = |name: &str, field: &str| name.eq_ignore_ascii_case(field);
    if let Some(unknown) = asked
        .iter()
        .find(|field| !table.columns.iter().any(|column| is(&column.name, field)))
    {
        return Err(ApiError::invalid(format!("No such field: {unknown}")));
    }
    let keep: Vec<bool> = table
        .columns
        .iter()
        .map(|column| asked.iter().any(|field| is(&column.name, field)))
        .collect();
    let columns = table
        .columns
        .iter()
        .zip(&keep)
        .filter(|(_, keep)| **keep)
        .map(|(column, _)| column.clone());
    let narrow = |row: Row| {
        row.into_iter()
            .zip(&keep)
            .filter(|(_, keep)| **keep)
            .map(|(cell, _)| cell)
            .collect()
    };
    Ok((rows.into_iter().map(narrow).collect(), columns.collect()))
}
