//! The reduced discovery document: the methods of the stand-in, for clients that are generated from it (`bq`).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ApiError, with_etag};
use crate::app::App;

/// Resource, method, HTTP method, path, query parameters, schema of the request and of the response.
type Method = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
);

const PAGE: &[&str] = &["maxResults", "pageToken"];
const RESULTS: &[&str] = &[
    "location",
    "maxResults",
    "pageToken",
    "startIndex",
    "timeoutMs",
    "formatOptions.useInt64Timestamp",
    "formatOptions.timestampOutputFormat",
];
const DATA: &[&str] = &[
    "maxResults",
    "pageToken",
    "startIndex",
    "selectedFields",
    "formatOptions.useInt64Timestamp",
    "formatOptions.timestampOutputFormat",
];
const LIST_JOBS: &[&str] = &[
    "maxResults",
    "pageToken",
    "stateFilter",
    "projection",
    "allUsers",
    "minCreationTime",
    "maxCreationTime",
    "parentJobId",
];

#[rustfmt::skip]
const METHODS: &[Method] = &[
    ("jobs", "query", "POST", "projects/{+projectId}/queries", &[], "QueryRequest", "QueryResponse"),
    ("jobs", "insert", "POST", "projects/{+projectId}/jobs", &[], "Job", "Job"),
    ("jobs", "get", "GET", "projects/{+projectId}/jobs/{+jobId}", &["location"], "", "Job"),
    ("jobs", "list", "GET", "projects/{+projectId}/jobs", LIST_JOBS, "", "JobList"),
    ("jobs", "cancel", "POST", "projects/{+projectId}/jobs/{+jobId}/cancel", &["location"], "", "JobCancelResponse"),
    ("jobs", "getQueryResults", "GET", "projects/{+projectId}/queries/{+jobId}", RESULTS, "", "GetQueryResultsResponse"),
    ("datasets", "list", "GET", "projects/{+projectId}/datasets", &["maxResults", "pageToken", "all", "filter"], "", "DatasetList"),
    ("datasets", "get", "GET", "projects/{+projectId}/datasets/{+datasetId}", &["datasetView", "accessPolicyVersion"], "", "Dataset"),
    ("tables", "list", "GET", "projects/{+projectId}/datasets/{+datasetId}/tables", PAGE, "", "TableList"),
    ("tables", "get", "GET", "projects/{+projectId}/datasets/{+datasetId}/tables/{+tableId}", &["selectedFields", "view"], "", "Table"),
    ("tabledata", "list", "GET", "projects/{+projectId}/datasets/{+datasetId}/tables/{+tableId}/data", DATA, "", "TableDataList"),
];

#[derive(Deserialize)]
pub(super) struct DocumentQuery {
    version: Option<String>,
}

pub(super) async fn document(
    State(app): State<Arc<App>>,
    Query(query): Query<DocumentQuery>,
) -> Result<Json<Value>, ApiError> {
    if query.version.is_some_and(|version| version != "v2") {
        return Err(ApiError::no_method());
    }
    let mut resources = Map::new();
    let mut schemas = Map::new();
    for (resource, name, http, path, parameters, request, response) in METHODS {
        let entry = resources
            .entry(*resource)
            .or_insert_with(|| json!({"methods": {}}));
        if let Some(methods) = entry.get_mut("methods").and_then(Value::as_object_mut) {
            let described = method(
                &format!("bigquery.{resource}.{name}"),
                http,
                path,
                parameters,
                request,
                response,
            );
            methods.insert((*name).to_owned(), described);
        }
        for schema in [request, response]
            .into_iter()
            .filter(|schema| !schema.is_empty())
        {
            schemas.insert(
                (*schema).to_owned(),
                json!({"id": schema, "type": "object", "properties": {"kind": {"type": "string"}}}),
            );
        }
    }
    Ok(Json(with_etag(json!({
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "bigquery:v2",
        "name": "bigquery",
        "version": "v2",
        "title": "BigQuery API",
        "description": "The part of BigQuery's API that the stand-in has.",
        "protocol": "rest",
        "rootUrl": format!("{}/", app.url),
        "servicePath": "bigquery/v2/",
        "baseUrl": format!("{}/bigquery/v2/", app.url),
        "basePath": "/bigquery/v2/",
        "batchPath": "batch/bigquery/v2",
        "parameters": {
            "alt": {"type": "string", "location": "query", "default": "json"},
            "fields": {"type": "string", "location": "query"},
            "key": {"type": "string", "location": "query"},
            "oauth_token": {"type": "string", "location": "query"},
            "prettyPrint": {"type": "boolean", "location": "query", "default": "true"},
            "quotaUser": {"type": "string", "location": "query"},
        },
        "auth": {"oauth2": {"scopes": {
            (crate::auth::SCOPE_BIGQUERY): {"description": "View and manage your data in BigQuery"},
            (crate::auth::SCOPE_CLOUD): {"description": "View and manage your data across Google Cloud services"},
        }}},
        "schemas": schemas,
        "resources": resources,
    }))))
}

fn method(id: &str, http: &str, path: &str, query: &[&str], request: &str, response: &str) -> Value {
    let mut parameters = Map::new();
    let mut order = Vec::new();
    for name in path.split("{+").skip(1).filter_map(|part| part.split('}').next()) {
        parameters.insert(
            name.to_owned(),
            json!({"type": "string", "location": "path", "required": true}),
        );
        order.push(name);
    }
    for name in query {
        parameters.insert(
            (*name).to_owned(),
            json!({"type": kind(name), "location": "query"}),
        );
    }
    let mut method = json!({
        "id": id,
        "httpMethod": http,
        "path": path,
        "flatPath": path.replace("{+", "{"),
        "parameters": parameters,
        "parameterOrder": order,
        "response": {"$ref": response},
    });
    if let (false, Some(fields)) = (request.is_empty(), method.as_object_mut()) {
        fields.insert("request".into(), json!({"$ref": request}));
        // bq always passes a (mostly empty) media body to jobs.insert; without this its client refuses to do so.
        if id == "bigquery.jobs.insert" {
            let upload = json!({"multipart": true, "path": "/upload/bigquery/v2/projects/{+projectId}/jobs"});
            fields.insert("supportsMediaUpload".into(), true.into());
            fields.insert(
                "mediaUpload".into(),
                json!({"accept": ["*/*"], "protocols": {"simple": upload, "resumable": upload}}),
            );
        }
    }
    method
}

fn kind(parameter: &str) -> &'static str {
    match parameter {
        "maxResults" | "timeoutMs" => "integer",
        "all" | "allUsers" | "formatOptions.useInt64Timestamp" => "boolean",
        _ => "string",
    }
}
