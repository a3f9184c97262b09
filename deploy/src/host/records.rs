//! The records that a host keeps of its deployments, in a folder for each.

use std::collections::BTreeSet;
use std::io;

use serde::{Deserialize, Serialize};

use super::names::{Id, StorePath};
use super::places;
use super::world::World;
use crate::protocol::Record;
use crate::state::State;

/// The number of deployments that are kept.
const KEPT: usize = 20;

/// The record of a deployment, with the data that only this host needs. The old system's program writes it while the
/// new one's reads it: a field may be added with a default, and none may be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Its number: the newest has the largest.
    pub number: u64,
    /// The reported part.
    #[serde(flatten)]
    pub record: Record,
    /// The data for a rollback.
    pub way: Way,
    /// Units that had failed before it, which is not the fault of either system.
    #[serde(default)]
    pub failed: BTreeSet<String>,
    /// Whether the boot default may have been changed: a rollback that is started again must check it again.
    #[serde(default)]
    pub finalized: bool,
}

impl Kept {
    /// Whether a unit is the service of a word that refuses nothing.
    #[must_use]
    pub fn is_excused(&self, unit: &str) -> bool {
        unit.strip_prefix("wordtally-")
            .and_then(|name| name.strip_suffix(".service"))
            .is_some_and(|word| self.record.excused.iter().any(|excused| excused == word))
    }
}

/// Everything that a rollback needs. It is also in the arguments of its process, which a full disk does not affect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The name of the deployment.
    pub id: Id,
    /// The system that ran before.
    pub old: StorePath,
    /// The new system.
    pub new: StorePath,
    /// The generation of the boot default; none on a machine without a profile.
    pub default: Option<u64>,
    /// The newest generation, 0 if there is none: generations above it with the new system belong to this deployment.
    pub newest: u64,
}

/// Records a new deployment.
///
/// # Errors
///
/// It exists already, or cannot be written.
pub fn begin(world: &dyn World, kept: &Kept) -> io::Result<()> {
    let folder = places::deployment(&kept.way.id);
    if world.exists(&folder) {
        return Err(io::Error::other(format!(
            "a deployment {} already exists",
            kept.way.id
        )));
    }
    world.make_folder(&folder)?;
    let written = write(world, kept).and_then(|()| world.append(&places::log(&kept.way.id), b""));
    if written.is_err() {
        let _ = world.remove(&folder);
    }
    written
}

/// Removes a deployment that has not started.
pub fn forget(world: &dyn World, id: &Id) {
    let _ = world.remove(&places::deployment(id));
}

/// Replaces a record.
///
/// # Errors
///
/// Those of the file system.
pub fn write(world: &dyn World, kept: &Kept) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(kept)?;
    world.write(&places::deployment(&kept.way.id).join("record.json"), &text)
}

/// The record of a deployment, with the reason that was given since it was written.
///
/// # Errors
///
/// It does not exist, or cannot be read.
pub fn read(world: &dyn World, id: &Id) -> io::Result<Kept> {
    let mut kept: Kept = serde_json::from_slice(&world.read(&places::deployment(id).join("record.json"))?)?;
    if kept.record.reason.is_none() {
        kept.record.reason = reason(world, id);
    }
    Ok(kept)
}

/// All readable records, the newest last.
#[must_use]
pub fn all(world: &dyn World) -> Vec<Kept> {
    let mut all: Vec<_> = world
        .names(&places::deployments())
        .unwrap_or_default()
        .iter()
        .filter_map(|name| read(world, &name.parse().ok()?).ok())
        .collect();
    all.sort_by_key(|kept| kept.number);
    all
}

/// Removes the oldest records, and anything that is not a record.
pub fn prune(world: &dyn World) {
    let all = all(world);
    let kept: Vec<_> = all
        .iter()
        .rev()
        .take(KEPT)
        .map(|kept| kept.way.id.as_str())
        .collect();
    for name in world.names(&places::deployments()).unwrap_or_default() {
        if !kept.contains(&name.as_str()) {
            let _ = world.remove(&places::deployments().join(name));
        }
    }
}

/// The first reason counts.
pub fn give_reason(world: &dyn World, id: &Id, reason: &str) {
    let _ = world.create(&places::deployment(id).join("reason"), reason.as_bytes());
}

/// The reason that was given.
#[must_use]
pub fn reason(world: &dyn World, id: &Id) -> Option<String> {
    let text = world.read(&places::deployment(id).join("reason")).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned()).filter(|text| !text.is_empty())
}

/// Records that the pages are correct from outside.
///
/// # Errors
///
/// Those of the file system.
pub fn confirm(world: &dyn World, id: &Id) -> io::Result<()> {
    world.write(&places::deployment(id).join("confirmed"), b"")
}

/// Whether that was recorded.
#[must_use]
pub fn is_confirmed(world: &dyn World, id: &Id) -> bool {
    world.exists(&places::deployment(id).join("confirmed"))
}

/// A running deployment, for the process that writes its record and its log.
pub struct Journal<'a> {
    world: &'a dyn World,
    /// Its record.
    pub kept: Kept,
}

impl<'a> Journal<'a> {
    /// Continues with a record.
    #[must_use]
    pub fn new(world: &'a dyn World, kept: Kept) -> Self {
        Self { world, kept }
    }

    /// Writes a line of its log. A line that cannot be written does not stop anything.
    pub fn say(&self, line: &str) {
        let _ = self
            .world
            .append(&places::log(&self.kept.way.id), format!("{line}\n").as_bytes());
    }

    /// Enters a state.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn enter(&mut self, state: State) -> io::Result<()> {
        self.kept.record.state = state;
        if state == State::Finalizing {
            self.kept.finalized = true;
        }
        write(self.world, &self.kept)
    }
}
