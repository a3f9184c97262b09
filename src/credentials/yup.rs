//! What yup-oauth2 gives, checked and sorted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use yup_oauth2::AccessToken;
use yup_oauth2::error::{AuthErrorCode, CredentialSourceError};

use super::error::Error;
use super::fetched::Fetched;
use crate::cause::clean;

/// Checks what yup-oauth2 takes for a token: it lets a response without one pass, and keeps no status.
pub(super) fn taken(result: Result<AccessToken, yup_oauth2::Error>) -> Result<Fetched, Error> {
    let token = result.map_err(sorted)?;
    let lifetime = token.expiration_time().map(|end| {
        let end = UNIX_EPOCH + Duration::from_secs(u64::try_from(end.unix_timestamp()).unwrap_or(0));
        end.duration_since(SystemTime::now()).unwrap_or_default()
    });
    Fetched::new(token.token(), lifetime)
}

fn sorted(error: yup_oauth2::Error) -> Error {
    use yup_oauth2::Error as Yup;
    match error {
        Yup::AuthError(response) => {
            let message = format!("the token server answered {}", clean(&response.to_string()));
            match response.error {
                AuthErrorCode::Other(_) => Error::unavailable(message),
                _ => Error::refused(message),
            }
        }
        Yup::JSONError(_) => Error::unavailable("the token server's response is not the expected JSON"),
        Yup::CredentialSourceError(CredentialSourceError::JsonInvalid(_)) => {
            Error::unavailable("the response of the subject token's server is not JSON")
        }
        Yup::LowLevelError(error) => {
            Error::refused("the subject token's file cannot be read").caused_by(error)
        }
        Yup::HttpError(error) => Error::unavailable("the token server cannot be reached").caused_by(error),
        Yup::HttpClientError(error) => {
            Error::unavailable("the token server cannot be reached").caused_by(error)
        }
        other => Error::refused(clean(&other.to_string())),
    }
}
