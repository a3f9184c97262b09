use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sql::{QueryError, TableName};

/// A failure in the form of Google's APIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    code: u16,
    status: &'static str,
    reason: &'static str,
    message: String,
    /// Whether it concerns the credential, so that the response has `WWW-Authenticate`.
    challenge: bool,
}

impl ApiError {
    fn new(code: u16, status: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            reason,
            message: message.into(),
            challenge: false,
        }
    }

    pub(crate) fn no_credential() -> Self {
        let message = "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";
        Self {
            challenge: true,
            ..Self::new(401, "UNAUTHENTICATED", "required", message)
        }
    }

    pub(crate) fn bad_credential() -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";
        Self {
            challenge: true,
            ..Self::new(401, "UNAUTHENTICATED", "authError", message)
        }
    }

    pub(crate) fn insufficient_scope() -> Self {
        let message = "Request had insufficient authentication scopes.";
        Self {
            challenge: true,
            ..Self::new(403, "PERMISSION_DENIED", "insufficientPermissions", message)
        }
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "PERMISSION_DENIED", "accessDenied", message)
    }

    /// As APIs other than BigQuery say it.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "PERMISSION_DENIED", "forbidden", message)
    }

    pub(crate) fn rate_limited(message: impl Into<String>) -> Self {
        Self::new(403, "PERMISSION_DENIED", "rateLimitExceeded", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", "notFound", message)
    }

    pub(crate) fn no_method() -> Self {
        Self::not_found("Method not found.")
    }

    pub(crate) fn no_table(table: &TableName, location: &str) -> Self {
        Self::not_found(format!(
            "Not found: Table {}:{}.{} was not found in location {location}",
            table.project, table.dataset, table.table
        ))
    }

    pub(crate) fn no_dataset(project: &str, dataset: &str, location: &str) -> Self {
        Self::not_found(format!(
            "Not found: Dataset {project}:{dataset} was not found in location {location}"
        ))
    }

    pub(crate) fn duplicate(message: impl Into<String>) -> Self {
        Self::new(409, "ALREADY_EXISTS", "duplicate", message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", "invalid", message)
    }

    pub(crate) fn invalid_query(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", "invalidQuery", message)
    }

    pub(crate) fn not_json(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", "parseError", message)
    }

    pub(crate) fn over_bytes(limit: u64, billed: u64) -> Self {
        let message = format!("Query exceeded limit for bytes billed: {limit}. {billed} or higher required.");
        Self::new(400, "INVALID_ARGUMENT", "bytesBilledLimitExceeded", message)
    }

    pub(crate) fn response_too_large() -> Self {
        Self::new(
            403,
            "PERMISSION_DENIED",
            "responseTooLarge",
            "Response too large to return.",
        )
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(
            499,
            "CANCELLED",
            "stopped",
            "Job execution was cancelled: User requested cancellation",
        )
    }

    pub(crate) fn too_large() -> Self {
        Self::new(
            413,
            "INVALID_ARGUMENT",
            "uploadTooLarge",
            "The request is too large: at most 10 MB.",
        )
    }

    /// A fault of the stand-in itself, after which a retry may succeed. The cause is only logged.
    pub(crate) fn backend(cause: &str) -> Self {
        tracing::error!(cause, "a request failed");
        Self::fault(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The error that Google's servers return with this status when they fail.
    pub(crate) fn fault(code: StatusCode) -> Self {
        let (status, reason, message) = match code.as_u16() {
            429 => ("RESOURCE_EXHAUSTED", "rateLimitExceeded", "Exceeded rate limits."),
            503 => (
                "UNAVAILABLE",
                "backendError",
                "The service is currently unavailable.",
            ),
            500..600 => (
                "INTERNAL",
                "backendError",
                "An internal error occurred and the request could not be completed.",
            ),
            401 => return Self::bad_credential(),
            403 => ("PERMISSION_DENIED", "forbidden", "The request is forbidden."),
            404 => ("NOT_FOUND", "notFound", "Not found."),
            _ => ("INVALID_ARGUMENT", "invalid", "The request is not valid."),
        };
        Self::new(code.as_u16(), status, reason, message)
    }

    /// The error in a job's status.
    pub(crate) fn as_job_error(&self) -> Value {
        json!({"reason": self.reason, "message": self.message})
    }

    /// The response in the shorter form of some front ends, without `errors`.
    pub(crate) fn without_list(self) -> Response {
        let body = json!({"code": self.code, "message": self.message, "status": self.status});
        self.respond(body)
    }

    fn respond(self, error: Value) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (code, Json(json!({"error": error}))).into_response();
        if self.challenge {
            let challenge = match self.reason {
                "required" => "Bearer realm=\"https://accounts.google.com/\"",
                "authError" => "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
                _ => "Bearer realm=\"https://accounts.google.com/\", error=\"insufficient_scope\"",
            };
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error.busy {
            true => Self::new(503, "UNAVAILABLE", "backendError", error.message),
            false => Self::invalid_query(error.message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (short, domain) = match self.reason {
            "required" => ("Login Required.", "global"),
            "authError" => ("Invalid Credentials", "global"),
            "rateLimitExceeded" => (self.message.as_str(), "usageLimits"),
            _ => (self.message.as_str(), "global"),
        };
        let mut entry = json!({"message": short, "domain": domain, "reason": self.reason});
        if let (401, Some(entry)) = (self.code, entry.as_object_mut()) {
            entry.insert("location".into(), "Authorization".into());
            entry.insert("locationType".into(), "header".into());
        }
        let error =
            json!({"code": self.code, "message": self.message, "errors": [entry], "status": self.status});
        self.respond(error)
    }
}
