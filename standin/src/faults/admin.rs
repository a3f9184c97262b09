//! `/standin/…`: the methods of [`Standin`](crate::Standin) over HTTP. Only with `--admin`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Fault, Kind};
use crate::app::{App, Counters};
use crate::rest::{ApiError, JsonBody};

pub(crate) async fn add(
    State(app): State<Arc<App>>,
    JsonBody(fault): JsonBody<Fault>,
) -> Result<StatusCode, ApiError> {
    if let Kind::Status { code, .. } = fault.kind
        && !(400..600).contains(&code)
    {
        return Err(ApiError::invalid(format!(
            "invalid status {code}: expected 400 to 599"
        )));
    }
    app.faults.add(fault);
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn list(State(app): State<Arc<App>>) -> Json<Vec<Fault>> {
    Json(app.faults.list())
}

pub(crate) async fn clear(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

pub(crate) async fn counters(State(app): State<Arc<App>>) -> Json<Counters> {
    Json(app.counts.read())
}

pub(crate) async fn revoke_all(State(app): State<Arc<App>>) -> Result<StatusCode, ApiError> {
    app.authority
        .revoke_all()
        .map_err(|error| ApiError::backend(&error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}
