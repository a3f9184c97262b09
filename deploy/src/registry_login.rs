//! A GitLab job's own login to its project's registry, in a file for skopeo and cosign.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

/// A private folder with the login; it is removed with this value.
#[derive(Debug)]
pub struct RegistryLogin(TempDir);

impl RegistryLogin {
    /// The job's login, if `image` is in the job's registry and `REGISTRY_AUTH_FILE` does not name another login.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn of_job(image: &str, variable: impl Fn(&str) -> Option<String>) -> io::Result<Option<Self>> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if variable("REGISTRY_AUTH_FILE").is_some() {
            return Ok(None);
        }
        let (Some(registry), Some(user), Some(password)) = (
            variable("CI_REGISTRY"),
            variable("CI_REGISTRY_USER"),
            variable("CI_REGISTRY_PASSWORD"),
        ) else {
            return Ok(None);
        };
        if image.split('/').next() != Some(registry.as_str()) {
            return Ok(None);
        }
        let auth = STANDARD.encode(format!("{user}:{password}"));
        let content = serde_json::json!({ "auths": { registry: { "auth": auth } } });
        let folder = tempfile::Builder::new()
            .prefix("registry-login-")
            // Nobody else can enter it.
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        std::fs::write(folder.path().join("config.json"), content.to_string())?;
        Ok(Some(Self(folder)))
    }

    /// The variables for the programs: skopeo reads the first, cosign either.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("REGISTRY_AUTH_FILE", self.0.path().join("config.json")),
            ("DOCKER_CONFIG", self.0.path().to_owned()),
        ]
    }
}
