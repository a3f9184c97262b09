//! Where things are on a host.

use std::path::{Path, PathBuf};

use super::names::{Id, ReleaseName};

/// The transient unit of a deployment. Its name is the lock. No name of ours begins with `wordtally-`, which is the
/// words'.
pub const UNIT: &str = "deploy-wordtally.service";
/// The unit that repairs what a deployment left whose way back died.
pub const RECOVERY: &str = "deploy-host-recover.service";
/// What the units of a preflight begin with.
pub const PREFLIGHT: &str = "preflight-wordtally";
/// Where unit files go that a restart forgets.
pub const RUNTIME_UNITS: &str = "/run/systemd/system";
/// What runs.
pub const CURRENT: &str = "/run/current-system";
/// What `switch-to-configuration` locks whatever it does.
pub const SWITCHING: &str = "/run/nixos/switch-to-configuration.lock";
/// The system's profile: what the next start boots.
pub const PROFILE: &str = "/nix/var/nix/profiles/system";
/// The socket that requests come by.
pub const SOCKET: &str = "/run/deploy-host.sock";

const STATE: &str = "/var/lib/deploy-host";
const ROOTS: &str = "/nix/var/nix/gcroots";

/// What a preflight has besides its units: its words' sockets, and new secrets.
#[must_use]
pub fn preflight() -> PathBuf {
    Path::new("/run").join(PREFLIGHT)
}

/// All that is kept.
#[must_use]
pub fn state() -> PathBuf {
    PathBuf::from(STATE)
}

/// Locked by whoever begins or repairs a deployment, or must not meet one.
#[must_use]
pub fn beginning() -> PathBuf {
    state().join("beginning.lock")
}

/// Locked by whoever receives paths.
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

/// What a deployment says as it goes.
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

/// Keeps an offered system from being collected as garbage.
#[must_use]
pub fn root(name: &ReleaseName) -> PathBuf {
    Path::new(ROOTS).join(format!("deploy-host-{name}"))
}
