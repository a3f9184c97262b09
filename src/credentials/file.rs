use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use super::MAX_FILE;
use super::credential::Credential;
use super::fields::Fields;
use crate::config::{Invalid, Project};
use crate::small_file::{self, Unreadable};

/// A credential file that was read and checked.
#[derive(Debug)]
pub struct File {
    /// The credential in it.
    pub credential: Credential,
    /// The project in it: its own, or the one to bill.
    pub project: Option<Project>,
}

impl File {
    /// Reads and checks a file of at most 64 KiB. The error names the file and says what would be right; it never
    /// repeats a value from the file.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let bytes = read(path)?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|error| {
            // The parser's own message may quote the file.
            invalid(
                path,
                &format!(
                    "is not JSON (line {}, column {}): expected the key file as Google Cloud wrote it",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        let Value::Object(object) = &json else {
            return Err(invalid(
                path,
                "is not a JSON object: expected the key file as Google Cloud wrote it",
            ));
        };
        let fields = Fields { path, object };
        let named = match fields.optional_text("project_id")? {
            Some(project) => Some(project),
            None => fields.optional_text("quota_project_id")?,
        };
        let project = named
            .map(|id| {
                id.parse().map_err(|_| {
                    fields.invalid("names an invalid project: expected a project ID, e.g. my-project-123")
                })
            })
            .transpose()?;
        Ok(Self {
            credential: Credential::parse(&fields)?,
            project,
        })
    }
}

fn invalid(path: &Path, what: &str) -> Invalid {
    Invalid::new(format!("the credential file '{}' {what}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Invalid> {
    small_file::read(path, MAX_FILE).map_err(|unreadable| match &unreadable {
        Unreadable::Irregular => invalid(
            path,
            "is not a regular file: expected the path of a credential file",
        ),
        Unreadable::TooLarge(_) => invalid(
            path,
            &format!("{unreadable}: expected the key file as Google Cloud wrote it"),
        ),
        Unreadable::Io(error) => match error.kind() {
            ErrorKind::NotFound => invalid(path, "does not exist: expected the path of a credential file"),
            ErrorKind::PermissionDenied => invalid(
                path,
                "cannot be read: permission denied, let the service's user read it",
            ),
            _ => invalid(path, &unreadable.to_string()),
        },
    })
}
