//! Every request passes through here first: it is counted, its body is read within limits, and faults strike it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde_json::json;

use super::truncated::Truncated;
use super::{Effects, ErrorBody, Kind, Target};
use crate::app::{App, count};
use crate::rest::ApiError;
use crate::server::Reset;

/// The largest request body; Google's is 10 MB too.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// The longest that a request's body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The longest that a fault holds up a request.
const HANG: Duration = Duration::from_secs(300);
/// The largest response that is cut in the middle.
const MAX_CUT: usize = 64 * 1024 * 1024;

pub(crate) async fn strike(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/standin/") {
        return next.run(request).await;
    }
    let target = target(request.method(), &path);
    match target {
        Some(Target::Token) => count(&app.counts.token_requests),
        Some(Target::Results) => count(&app.counts.polls),
        _ => {}
    }
    let reset = request.extensions().get::<Reset>().cloned();
    let mut request = match read_body(request).await {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let mut effects = Effects::default();
    let mut replacement = None;
    for kind in app.faults.take(target) {
        match kind {
            Kind::Latency { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(milliseconds).min(HANG)).await;
            }
            Kind::Incomplete { polls } => effects.incomplete = Some(polls),
            Kind::NoExpiry => effects.no_expiry = true,
            Kind::NoRows => effects.no_rows = true,
            Kind::NoFields => effects.no_fields = true,
            Kind::PageRows { rows } => effects.page_rows = Some(rows),
            other => replacement = Some(other),
        }
    }
    request.extensions_mut().insert(effects);
    match replacement {
        None => next.run(request).await,
        Some(Kind::Truncated) => cut(next.run(request).await).await,
        Some(kind) => replace(kind, reset).await,
    }
}

fn target(method: &Method, path: &str) -> Option<Target> {
    let post = method == Method::POST;
    match path.strip_prefix("/bigquery/v2/projects/") {
        Some(rest) => match rest.split('/').collect::<Vec<_>>().as_slice() {
            [_, "queries"] | [_, "jobs"] if post => Some(Target::Query),
            [_, "queries", _] => Some(Target::Results),
            _ => None,
        },
        None => {
            let token = matches!(path, "/token" | "/o/oauth2/token" | "/v1/token")
                || path.ends_with(":generateAccessToken")
                || (path.starts_with("/computeMetadata/") && path.ends_with("/token"));
            token.then_some(Target::Token)
        }
    }
}

/// The request with its body in memory.
async fn read_body(request: Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, Body::from(body.to_bytes()))),
        Ok(Err(_)) => Err(ApiError::too_large().into_response()),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT.into_response()),
    }
}

async fn replace(kind: Kind, reset: Option<Reset>) -> Response {
    match kind {
        Kind::Status {
            code,
            body,
            retry_after,
        } => status(code, body, retry_after),
        Kind::Quota => ApiError::rate_limited(
            "Exceeded rate limits: too many api requests per user per method for this user_method.",
        )
        .into_response(),
        Kind::MalformedJson => (
            [(header::CONTENT_TYPE, "application/json; charset=UTF-8")],
            "{\"kind\": \"bigquery#queryResponse\", \"rows\": [",
        )
            .into_response(),
        Kind::EmptyObject => axum::Json(json!({})).into_response(),
        Kind::ErrorObject => {
            let error = json!({"code": 503, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"});
            axum::Json(json!({"error": error})).into_response()
        }
        Kind::Reset => {
            if let Some(reset) = reset {
                reset.now();
            }
            hang().await
        }
        _ => hang().await,
    }
}

async fn hang() -> Response {
    tokio::time::sleep(HANG).await;
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

fn status(code: u16, body: ErrorBody, retry_after: Option<u32>) -> Response {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = ApiError::fault(code);
    let mut response = match body {
        ErrorBody::Json => error.into_response(),
        ErrorBody::JsonWithoutErrors => error.without_list(),
        ErrorBody::Html => {
            let title = format!("Error {}", code.as_str());
            let page = format!(
                "<!DOCTYPE html>\n<html lang=en><title>{title}</title><p><b>{title}</b> The server could not serve your request.\n"
            );
            (code, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
        }
        ErrorBody::Empty => code.into_response(),
    };
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The same response with a body that announces its whole length and ends after half of it.
async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = Limited::new(body, MAX_CUT).collect().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let bytes = body.to_bytes();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Response::from_parts(parts, Body::new(Truncated::half_of(bytes)))
}
