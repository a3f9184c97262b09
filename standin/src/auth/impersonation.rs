//! `POST /v1/projects/-/serviceAccounts/EMAIL:generateAccessToken`.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Caller, SCOPE_CLOUD, SCOPE_IAM, usable_scopes};
use crate::app::App;
use crate::faults::Effects;
use crate::rest::{ApiError, JsonBody, PathNames};

/// The longest lifetime of an impersonated token.
const LONGEST: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
pub(crate) struct Request {
    #[serde(default)]
    scope: Vec<String>,
    #[serde(default)]
    lifetime: Option<String>,
    /// Python's client sends null if there are none.
    #[serde(default)]
    delegates: Option<Vec<String>>,
}

pub(crate) async fn generate_access_token(
    State(app): State<Arc<App>>,
    PathNames(account): PathNames<String>,
    Extension(effects): Extension<Effects>,
    caller: Caller,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<Value>, ApiError> {
    let Some(email) = account.strip_suffix(":generateAccessToken") else {
        return Err(ApiError::no_method());
    };
    caller.require_scope(&[SCOPE_CLOUD, SCOPE_IAM])?;
    if !app
        .authority
        .with_policy(|policy| policy.may_impersonate(&caller.principal, email))
    {
        return Err(ApiError::forbidden(
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
        ));
    }
    if request.delegates.is_some_and(|delegates| !delegates.is_empty()) {
        return Err(ApiError::invalid(
            "The stand-in does not support delegates: leave them out.",
        ));
    }
    let lifetime = match request.lifetime.as_deref() {
        None => LONGEST,
        Some(text) => text
            .strip_suffix('s')
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs)
            .filter(|lifetime| !lifetime.is_zero() && *lifetime <= LONGEST)
            .ok_or_else(|| ApiError::invalid("The lifetime is not valid: expected at most 3600s."))?,
    };
    let scope = usable_scopes(&request.scope.join(" "))
        .ok_or_else(|| ApiError::invalid("The scope is not valid: expected BigQuery's or cloud-platform."))?;
    let issued = app
        .authority
        .issue(&format!("serviceAccount:{email}"), &scope, Some(lifetime))
        .ok_or_else(|| ApiError::backend("no token could be created"))?;
    let expires = humantime::format_rfc3339_seconds(time(issued.expires));
    let mut body = json!({"accessToken": issued.token, "expireTime": expires.to_string()});
    if effects.no_expiry {
        body.as_object_mut().and_then(|body| body.remove("expireTime"));
    }
    Ok(Json(body))
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}
