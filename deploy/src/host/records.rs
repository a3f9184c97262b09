//! What a host keeps of its deployments, in a folder for each.

use std::collections::BTreeSet;
use std::io;

use serde::{Deserialize, Serialize};

use super::names::{Id, StorePath};
use super::places;
use super::world::World;
use crate::protocol::Record;
use crate::state::State;

/// Deployments that are kept.
const KEPT: usize = 20;

/// A deployment's record, with what only this host needs. The program of the old system writes it while that of the new
/// one reads it: a field may be added with a default, and none may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Its number: the newest has the greatest.
    pub number: u64,
    /// What is told.
    #[serde(flatten)]
    pub record: Record,
    /// What going back takes.
    pub way: Way,
    /// Units that had failed before it: they are no fault of either system.
    #[serde(default)]
    pub failed: BTreeSet<String>,
    /// Whether the boot default may have been changed: a way back that is begun anew must look at it again.
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

/// All that the way back needs. It is in the arguments of its process too, which a full disk takes nothing from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// Name of the deployment.
    pub id: Id,
    /// The system that ran before.
    pub old: StorePath,
    /// The system that it brings.
    pub new: StorePath,
    /// Generation of the boot default; none on a machine without a profile.
    pub default: Option<u64>,
    /// The newest generation, 0 without any: those above it that have the new system are this deployment's.
    pub newest: u64,
}

/// Keeps a new deployment.
///
/// # Errors
///
/// That it is there already, or cannot be written.
pub fn begin(world: &dyn World, kept: &Kept) -> io::Result<()> {
    let folder = places::deployment(&kept.way.id);
    if world.exists(&folder) {
        return Err(io::Error::other(format!(
            "there is a deployment {} already",
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

/// Forgets a deployment that has not begun.
pub fn forget(world: &dyn World, id: &Id) {
    let _ = world.remove(&places::deployment(id));
}

/// Writes a record anew.
///
/// # Errors
///
/// Those of the file system.
pub fn write(world: &dyn World, kept: &Kept) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(kept)?;
    world.write(&places::deployment(&kept.way.id).join("record.json"), &text)
}

/// A deployment's record, with the reason that was given since it was written.
///
/// # Errors
///
/// That there is none, or that it cannot be read.
pub fn read(world: &dyn World, id: &Id) -> io::Result<Kept> {
    let mut kept: Kept = serde_json::from_slice(&world.read(&places::deployment(id).join("record.json"))?)?;
    if kept.record.reason.is_none() {
        kept.record.reason = reason(world, id);
    }
    Ok(kept)
}

/// All that can be read, the newest last.
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

/// Forgets the oldest, and what is no record.
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

/// The first reason is the one that counts.
pub fn give_reason(world: &dyn World, id: &Id, reason: &str) {
    let _ = world.create(&places::deployment(id).join("reason"), reason.as_bytes());
}

/// The reason that was given.
#[must_use]
pub fn reason(world: &dyn World, id: &Id) -> Option<String> {
    let text = world.read(&places::deployment(id).join("reason")).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned()).filter(|text| !text.is_empty())
}

/// Says that the pages are right from outside.
///
/// # Errors
///
/// Those of the file system.
pub fn confirm(world: &dyn World, id: &Id) -> io::Result<()> {
    world.write(&places::deployment(id).join("confirmed"), b"")
}

/// Whether somebody has said so.
#[must_use]
pub fn is_confirmed(world: &dyn World, id: &Id) -> bool {
    world.exists(&places::deployment(id).join("confirmed"))
}

/// A deployment that goes on, for whoever writes its record and its log.
pub struct Journal<'a> {
    world: &'a dyn World,
    /// Its record.
    pub kept: Kept,
}

impl<'a> Journal<'a> {
    /// Goes on with a record.
    #[must_use]
    pub fn new(world: &'a dyn World, kept: Kept) -> Self {
        Self { world, kept }
    }

    /// A line of its log. One that cannot be written hinders nothing.
    pub fn say(&self, line: &str) {
        let _ = self
            .world
            .append(&places::log(&self.kept.way.id), format!("{line}\n").as_bytes());
    }

    /// Where it is now.
    ///
    /// # Errors
    ///
    /// That it cannot be written.
    pub fn enter(&mut self, state: State) -> io::Result<()> {
        self.kept.record.state = state;
        if state == State::Finalizing {
            self.kept.finalized = true;
        }
        write(self.world, &self.kept)
    }
}
