//! The metadata server of a machine in Google's cloud: `/computeMetadata/v1/…`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::grants::{answer, issue};
use super::{SCOPE_CLOUD, usable_scopes};
use crate::app::App;
use crate::faults::Effects;

const FLAVOR: (&str, &str) = ("Metadata-Flavor", "Google");

pub(crate) async fn metadata(
    State(app): State<Arc<App>>,
    Extension(effects): Extension<Effects>,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let asked_rightly = headers.get(FLAVOR.0).is_some_and(|flavor| flavor == FLAVOR.1);
    // As Google's server does: a request that a proxy passed on was not made by this machine.
    if !asked_rightly || headers.contains_key("x-forwarded-for") {
        return (
            StatusCode::FORBIDDEN,
            [FLAVOR],
            "Missing Metadata-Flavor:Google header.\n",
        )
            .into_response();
    }
    let Some(machine) = app.authority.with_policy(|policy| policy.metadata.clone()) else {
        return not_found();
    };
    let path = uri
        .path()
        .trim_start_matches("/computeMetadata/v1")
        .trim_matches('/');
    // The account's address is equivalent to `default`.
    let path = path.replace(&machine.email, "default");
    let text = |body: String| ([FLAVOR], body).into_response();
    let recursive = query
        .get("recursive")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    match path.as_str() {
        "" | "/" => text("computeMetadata/\n".into()),
        "instance" => text("service-accounts/\n".into()),
        "project/project-id" => text(machine.project),
        "universe/universe-domain" => text("googleapis.com".into()),
        "instance/service-accounts" => text("default/\n".into()),
        "instance/service-accounts/default" if recursive => {
            let account = json!({"aliases": ["default"], "email": machine.email, "scopes": [SCOPE_CLOUD]});
            ([FLAVOR], Json(account)).into_response()
        }
        "instance/service-accounts/default" => text("aliases\nemail\nscopes\ntoken\n".into()),
        "instance/service-accounts/default/email" => text(machine.email),
        "instance/service-accounts/default/scopes" => text(format!("{SCOPE_CLOUD}\n")),
        "instance/service-accounts/default/token" => {
            let scope = query
                .get("scopes")
                .map_or(SCOPE_CLOUD.to_owned(), |scopes| scopes.replace(',', " "));
            let Some(scope) = usable_scopes(&scope) else {
                return (StatusCode::BAD_REQUEST, [FLAVOR], "The scopes are not valid.\n").into_response();
            };
            match issue(
                &app.authority,
                &format!("serviceAccount:{}", machine.email),
                &scope,
            ) {
                Ok(issued) => ([FLAVOR], answer(issued, &effects, json!({}))).into_response(),
                Err(error) => error.into_response(),
            }
        }
        _ => not_found(),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [FLAVOR], "Not Found\n").into_response()
}
