//! The releases that were offered to this host and that it accepts, each in a folder with its name.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::names::{ReleaseName, StorePath};
use super::world::World;
use super::{generations, places, records};
use crate::protocol::{Deployed, SignedRelease};

/// The number of releases that are kept, besides those that run or are the boot default.
const KEPT: usize = 10;
/// For how many of those the system is protected from garbage collection.
const ROOTS: usize = 3;

/// The data of an offered release that is needed without verifying it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Accepted {
    /// The host's system in it.
    pub system: StorePath,
    /// The release.
    pub deployed: Deployed,
}

/// Keeps a release.
///
/// # Errors
///
/// Those of the file system.
pub fn keep(
    world: &dyn World,
    name: &ReleaseName,
    signed: &SignedRelease,
    accepted: &Accepted,
) -> io::Result<()> {
    let folder = places::release(name);
    world.make_folder(&folder)?;
    world.write(&folder.join("provenance.sigstore.json"), signed.bundle.as_bytes())?;
    world.write(&folder.join("release.json"), signed.release.as_bytes())?;
    world.write(&folder.join("closure"), signed.closure.as_bytes())?;
    // Last: without it the folder is not a release.
    world.write(&folder.join("accepted.json"), &serde_json::to_vec(accepted)?)?;
    world.link(accepted.system.path(), &places::root(name))?;
    prune(world);
    Ok(())
}

/// An offered release, as it was received.
///
/// # Errors
///
/// Those of the file system.
pub fn read(world: &dyn World, name: &ReleaseName) -> io::Result<SignedRelease> {
    let text = |file: &str| {
        String::from_utf8(world.read(&places::release(name).join(file))?).map_err(io::Error::other)
    };
    Ok(SignedRelease {
        bundle: text("provenance.sigstore.json")?,
        release: text("release.json")?,
        closure: text("closure")?,
    })
}

/// The release that a system was deployed from, if this host knows it.
#[must_use]
pub fn of_system(world: &dyn World, system: &StorePath) -> Option<Deployed> {
    let deployed = records::all(world)
        .into_iter()
        .rev()
        .filter(|kept| kept.way.new == *system)
        .find_map(|kept| kept.record.release);
    deployed.or_else(|| {
        all(world)
            .into_iter()
            .map(|(_, _, accepted)| accepted)
            .filter(|accepted| accepted.system == *system)
            .map(|accepted| accepted.deployed)
            // Two releases may have the same system: the oldest refuses the fewest.
            .min_by_key(|deployed| deployed.commit_time)
    })
}

/// The time of the offer, the name and the data of each.
fn all(world: &dyn World) -> Vec<(u64, ReleaseName, Accepted)> {
    world
        .names(&places::releases())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| {
            let name: ReleaseName = name.parse().ok()?;
            let path = accepted_path(&name);
            let accepted = serde_json::from_slice(&world.read(&path).ok()?).ok()?;
            Some((world.made(&path).ok()?, name, accepted))
        })
        .collect()
}

fn accepted_path(name: &ReleaseName) -> PathBuf {
    places::release(name).join("accepted.json")
}

fn prune(world: &dyn World) {
    let in_use: Vec<_> = generations::current(world)
        .ok()
        .into_iter()
        .chain(generations::default(world))
        .collect();
    let mut all = all(world);
    all.sort_by_key(|(made, ..)| std::cmp::Reverse(*made));
    for (number, (_, name, accepted)) in all.iter().enumerate() {
        if number >= ROOTS {
            let _ = world.remove(&places::root(name));
        }
        if number >= KEPT && !in_use.contains(&accepted.system) {
            let _ = world.remove(&places::release(name));
        }
    }
}
