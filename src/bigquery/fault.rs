use gcp_bigquery_client::error::{BQError, ResponseError};
use gcp_bigquery_client::model::error_proto::ErrorProto;

use super::error::Error;
use crate::cause::clean;
use crate::credentials::{self, Kind};
use crate::reason::Reason;

/// What could help after a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing: the same request would fail again.
    None,
    /// The same request, a little later.
    Wait,
    /// A new token.
    Token,
}

/// A failed request.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: Error,
    pub(super) remedy: Remedy,
}

impl Fault {
    fn new(reason: Reason, remedy: Remedy, message: impl Into<String>) -> Self {
        Self {
            error: Error::new(reason, message),
            remedy,
        }
    }

    fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            error: self.error.caused_by(cause),
            ..self
        }
    }

    /// A response that is not what was asked for.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, Remedy::None, message)
    }
}

/// No token could be had.
pub(super) fn credential(error: credentials::Error) -> Error {
    no_token(error).error
}

/// No token could be had.
pub(super) fn no_token(error: credentials::Error) -> Fault {
    let (reason, remedy) = match error.kind {
        Kind::Refused => (Reason::Credential, Remedy::None),
        Kind::Unavailable => (Reason::Unavailable, Remedy::Wait),
    };
    Fault::new(reason, remedy, "there is no access token").caused_by(error)
}

/// Sorts what the client library says, together with the status that came.
pub(super) fn of(error: BQError, status: Option<u16>) -> Fault {
    match error {
        BQError::ResponseError { error } => answered(&error, status),
        BQError::RequestError(error) => broken(error, status),
        // Its other errors belong to parts of it that are not used here.
        other => Fault::malformed(clean(&other.to_string())),
    }
}

fn answered(error: &ResponseError, status: Option<u16>) -> Fault {
    let error = &error.error;
    let status = status.or_else(|| u16::try_from(error.code).ok()).unwrap_or(0);
    let reasons: Vec<&str> = error
        .errors
        .iter()
        .filter_map(|entry| entry.get("reason"))
        .map(String::as_str)
        .collect();
    let message = clean(&format!(
        "BigQuery answered {status} {} ({}): {}",
        error.status,
        reasons.join(", "),
        error.message
    ));
    by_status(status, &reasons, message)
}

/// A request that got no response, or one whose body could not be read.
fn broken(error: reqwest::Error, status: Option<u16>) -> Fault {
    // Its query may hold a page token.
    let error = error.without_url();
    match status {
        Some(status @ 200..300) if is_json(&error) => Fault::malformed(format!(
            "BigQuery answered {status} with a body that is not understood"
        ))
        .caused_by(error),
        Some(200..300) | None => {
            let reason = if error.is_timeout() {
                Reason::Timeout
            } else {
                Reason::Unavailable
            };
            Fault::new(reason, Remedy::Wait, "BigQuery's answer did not come whole").caused_by(error)
        }
        Some(status) => by_status(
            status,
            &[],
            format!("BigQuery answered {status} with a body that is not its own"),
        ),
    }
}

fn by_status(status: u16, reasons: &[&str], message: String) -> Fault {
    let has = |name| reasons.contains(&name);
    let (reason, remedy) = match status {
        401 => (Reason::Credential, Remedy::Token),
        403 if has("rateLimitExceeded") => (Reason::Quota, Remedy::Wait),
        403 if has("quotaExceeded") => (Reason::Quota, Remedy::None),
        403 => (Reason::Denied, Remedy::None),
        404 => (Reason::NotFound, Remedy::None),
        429 => (Reason::Quota, Remedy::Wait),
        500 | 502 | 503 | 504 => (Reason::Unavailable, Remedy::Wait),
        400..500 => (Reason::Invalid, Remedy::None),
        _ => (Reason::Unavailable, Remedy::None),
    };
    Fault::new(reason, remedy, message)
}

/// The errors that a finished job reports.
pub(super) fn of_job(errors: &[ErrorProto]) -> Option<Fault> {
    let first = errors.first()?;
    let name = first.reason.as_deref().unwrap_or("no reason");
    let (reason, remedy) = match name {
        "accessDenied" => (Reason::Denied, Remedy::None),
        "notFound" => (Reason::NotFound, Remedy::None),
        "quotaExceeded" => (Reason::Quota, Remedy::None),
        "rateLimitExceeded" | "jobRateLimitExceeded" => (Reason::Quota, Remedy::Wait),
        "backendError" | "internalError" | "jobBackendError" | "jobInternalError" => {
            (Reason::Unavailable, Remedy::Wait)
        }
        _ => (Reason::Invalid, Remedy::None),
    };
    let message = first.message.as_deref().unwrap_or_default();
    Some(Fault::new(
        reason,
        remedy,
        clean(&format!("the job reports {name}: {message}")),
    ))
}

/// Whether the body came whole but is not the JSON that was expected.
fn is_json(error: &reqwest::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        if error.is::<serde_json::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}
