//! BigQuery's REST API, version 2, and the routes of everything else.

mod body;
mod datasets;
mod discovery;
mod error;
mod extract;
mod job;
mod job_list;
mod job_store;
mod jobs;
mod page;
mod plan;
mod queries;
mod request;
mod tables;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde_json::Value;

use crate::app::App;
use crate::{auth, faults};

pub(crate) use body::JsonBody;
pub(crate) use error::ApiError;
pub(crate) use extract::PathNames;
pub(crate) use job_store::Jobs;

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/token", post(auth::token))
        .route("/o/oauth2/token", post(auth::token))
        .route("/v1/token", post(auth::exchange))
        .route("/revoke", post(auth::revoke))
        .route(
            "/v1/projects/-/serviceAccounts/{account}",
            post(auth::generate_access_token),
        )
        .route("/", get(auth::metadata))
        .route("/computeMetadata/v1", get(auth::metadata))
        .route("/computeMetadata/v1/{*path}", get(auth::metadata))
        .route("/$discovery/rest", get(discovery::document))
        .route("/discovery/v1/apis/bigquery/v2/rest", get(discovery::document))
        .nest("/bigquery/v2/projects/{project}", projects());
    if app.admin {
        router = router
            .route("/standin/faults", get(faults::list).post(faults::add))
            .route("/standin/faults", delete(faults::clear))
            .route("/standin/counters", get(faults::counters))
            .route("/standin/revoke-all", post(faults::revoke_all));
    }
    router
        .fallback(|| async { ApiError::no_method() })
        .method_not_allowed_fallback(|| async { ApiError::no_method() })
        .layer(from_fn_with_state(Arc::clone(&app), faults::strike))
        .with_state(app)
}

fn projects() -> Router<Arc<App>> {
    Router::new()
        .route("/queries", post(queries::query))
        .route("/queries/{job}", get(queries::results))
        .route("/jobs", post(jobs::insert).get(job_list::list))
        .route("/jobs/{job}", get(jobs::get))
        .route("/jobs/{job}/cancel", post(jobs::cancel))
        .route("/datasets", get(datasets::list))
        .route("/datasets/{dataset}", get(datasets::get))
        .route("/datasets/{dataset}/tables", get(tables::list))
        .route("/datasets/{dataset}/tables/{table}", get(tables::get))
        .route("/datasets/{dataset}/tables/{table}/data", get(tables::data))
        .layer(map_response(own_up))
}

/// Marks every response with data as not BigQuery's, in a field that Google's clients ignore.
async fn own_up(mut response: Response) -> Response {
    response.headers_mut().insert(
        HeaderName::from_static("x-sample-data"),
        HeaderValue::from_static("bigquery-standin"),
    );
    response
}

/// The resource with its `etag`: a digest of everything else in it.
fn with_etag(mut resource: Value) -> Value {
    use base64::Engine;
    let digest = ring::digest::digest(&ring::digest::SHA256, resource.to_string().as_bytes());
    let tag = base64::engine::general_purpose::STANDARD.encode(digest.as_ref().get(..16).unwrap_or_default());
    if let Some(fields) = resource.as_object_mut() {
        fields.insert("etag".to_owned(), Value::String(tag));
    }
    resource
}
