//! The paths on a host.

use std::path::{Path, PathBuf};

use super::names::{Id, ReleaseName};

/// The transient unit of a deployment. Its name is the lock. None of our names begins with `wordtally-`, which is
/// reserved for the words.
pub const UNIT: &str = "deploy-wordtally.service";
/// The unit that repairs what a deployment left if its rollback was killed.
pub const RECOVERY: &str = "deploy-host-recover.service";
/// The prefix of the units of a preflight.
pub const PREFLIGHT: &str = "preflight-wordtally";
/// The folder for unit files that do not survive a restart.
pub const RUNTIME_UNITS: &str = "/run/systemd/system";
/// The running system.
pub const CURRENT: &str = "/run/current-system";
/// The lock of `switch-to-configuration`, whatever it does.
pub const SWITCHING: &str = "/run/nixos/switch-to-configuration.lock";
/// The system profile, which the next start boots.
pub const PROFILE: &str = "/nix/var/nix/profiles/system";
/// The socket for requests.
pub const SOCKET: &str = "/run/deploy-host.sock";

const STATE: &str = "/var/lib/deploy-host";
const ROOTS: &str = "/nix/var/nix/gcroots";

/// The files of a preflight besides its units: its words' sockets, and new secrets.
#[must_use]
pub fn preflight() -> PathBuf {
    Path::new("/run").join(PREFLIGHT)
}

/// All persistent data.
#[must_use]
pub fn state() -> PathBuf {
    PathBuf::from(STATE)
}

/// Locked while a deployment is started or repaired, or must not be.
#[must_use]
pub fn beginning() -> PathBuf {
    state().join("beginning.lock")
}

/// Locked while paths are received.
#[must_use]
pub fn receiving() -> PathBuf {
    state().join("receiving.lock")
}

/// The deployments.
#[must_use]
pub fn deployments() -> PathBuf {
    state().join("deployments")
}

/// One deployment.
#[must_use]
pub fn deployment(id: &Id) -> PathBuf {
    deployments().join(id.as_str())
}

/// The log of a deployment.
#[must_use]
pub fn log(id: &Id) -> PathBuf {
    deployment(id).join("log")
}

/// The offered releases.
#[must_use]
pub fn releases() -> PathBuf {
    state().join("releases")
}

/// One offered release.
#[must_use]
pub fn release(name: &ReleaseName) -> PathBuf {
    releases().join(name.as_str())
}

/// Protects an offered system from garbage collection.
#[must_use]
pub fn root(name: &ReleaseName) -> PathBuf {
    Path::new(ROOTS).join(format!("deploy-host-{name}"))
}
