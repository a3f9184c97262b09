use std::time::Duration;

use gcp_bigquery_client::model::error_proto::ErrorProto;
use reqwest::StatusCode;
use serde::Deserialize;

use super::error::Error;
use crate::cause::clean;
use crate::credentials::{self, Kind};
use crate::reason::Reason;
use crate::transport::origin;

/// The remedy that could help after a failed request.
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
    /// How long the server asks clients to wait.
    pub(super) retry_after: Option<Duration>,
    /// Whether no connection was made, so that nothing was sent.
    pub(super) unreached: bool,
}

impl Fault {
    fn new(reason: Reason, remedy: Remedy, message: impl Into<String>) -> Self {
        Self {
            error: Error::new(reason, message),
            remedy,
            retry_after: None,
            unreached: false,
        }
    }

    pub(super) fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
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

/// A failed refresh for want of an access token.
pub(super) fn credential(error: credentials::Error) -> Error {
    no_token(error).error
}

/// A failed request for want of an access token.
pub(super) fn no_token(error: credentials::Error) -> Fault {
    let (reason, remedy) = match error.kind {
        Kind::Refused => (Reason::Credential, Remedy::None),
        Kind::Unavailable => (Reason::TokenServer, Remedy::Wait),
    };
    Fault::new(reason, remedy, "there is no access token").caused_by(error)
}

/// The part of an error response that is needed.
#[derive(Deserialize)]
struct Refusal {
    error: Words,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    errors: Vec<Entry>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    reason: String,
}

/// A response with an error status, whatever its body.
pub(super) fn refused(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Fault {
    let status = status.as_u16();
    let fault = match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { error }) => {
            let reasons: Vec<&str> = error.errors.iter().map(|entry| entry.reason.as_str()).collect();
            let message = clean(&format!(
                "BigQuery answered {status} {} ({}): {}",
                error.status,
                reasons.join(", "),
                error.message
            ));
            by_status(status, &reasons, message)
        }
        Err(_) => by_status(
            status,
            &[],
            format!("BigQuery answered {status} with a body that is not in its own format"),
        ),
    };
    Fault { retry_after, ..fault }
}

/// A request without a response, or a successful response whose body could not be read.
pub(super) fn broken(error: reqwest::Error) -> Fault {
    let reason = if error.is_timeout() {
        Reason::Timeout
    } else {
        Reason::Unavailable
    };
    let unreached = error.is_connect();
    let message = match unreached {
        true => format!("BigQuery cannot be reached at {}", origin(&error)),
        false => format!("the response from BigQuery at {} was incomplete", origin(&error)),
    };
    let fault = Fault {
        unreached,
        ..Fault::new(reason, Remedy::Wait, message)
    };
    // The URL's query may contain a page token.
    fault.caused_by(error.without_url())
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

/// The error that a finished job reports.
pub(super) fn of_job(first: &ErrorProto) -> Fault {
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
    Fault::new(
        reason,
        remedy,
        clean(&format!("the job reports {name}: {message}")),
    )
}
