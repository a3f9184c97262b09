//! The host's handling of each request.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::lock::Program;
use super::names::{Id, ReleaseName, StorePath};
use super::offers::{self, Accepted};
use super::real::Real;
use super::records::{self, Kept, Way};
use super::world::{Command, Locked, World, done, text};
use super::{activation, forward, generations, lock, places, receive, store};
use crate::host_config::{self, HostConfig};
use crate::protocol::{
    Checked, Deployed, Deployments, Empty, Generation, Generations, Offered, Progress, Record, Request,
    RollingBack, SignedRelease, Status, Text,
};
use crate::state::State;
use crate::trust::{self, PublicKey, Trusted};

const LIMIT: Duration = Duration::from_secs(60);
/// The limit for another deployment that is starting, or a dry run.
const LOCK: Duration = Duration::from_secs(60);
/// The longest wait of a deployment for its confirmation, in seconds.
const CONFIRMATION: u64 = 600;
/// The seconds within which the unit of a recorded deployment must have started.
const START: u64 = 60;
/// The longest reason that a person gives, in characters.
const REASON: usize = 1000;

/// This host, for one request.
pub struct Host<'a> {
    /// The machine.
    pub world: &'a Real,
    /// This program, as a unit runs it.
    pub program: Program,
}

/// The target of a deployment.
struct Goal {
    system: StorePath,
    release: Option<Deployed>,
    generation: Option<u64>,
    force: Option<String>,
}

/// An offered release, verified.
struct Judged {
    system: StorePath,
    trusted: Trusted,
}

impl Host<'_> {
    /// Handles a request; `input` is the data after the request's line.
    ///
    /// # Errors
    ///
    /// Why it was refused, in one sentence.
    pub fn answer(&self, request: Request, input: &mut dyn BufRead) -> Result<Value, String> {
        match request {
            Request::Status => value(self.status()?),
            Request::Offer(signed) => value(self.offer(&signed)?),
            Request::Receive { release } => value(self.receive(&named(&release)?, input)?),
            Request::Begin {
                id,
                release,
                confirmation,
                force,
            } => {
                let Judged { system, trusted } = self.whole(&named(&release)?)?;
                let goal = Goal {
                    system,
                    release: Some(trusted.deployed),
                    generation: None,
                    force,
                };
                value(self.begin(&named(&id)?, goal, confirmation)?)
            }
            Request::Rollback {
                id,
                generation,
                confirmation,
            } => value(self.rollback(&named(&id)?, generation, confirmation)?),
            Request::Progress { id, seen } => value(self.progress(&named(&id)?, seen)?),
            Request::Confirm { id } => value(self.confirm(&named(&id)?)?),
            Request::Abort { id, reason } => value(self.abort(&named(&id)?, &reason)?),
            Request::Check => value(self.check()?),
            Request::DryRun { release } => {
                let Judged { system, .. } = self.whole(&named(&release)?)?;
                // It locks out activations: none starts meanwhile.
                let _locked = self.quiet()?;
                let text = activation::dry_run(self.world, &system).map_err(|error| error.to_string())?;
                value(Text { text })
            }
            Request::Diff { release } => {
                let system = self.whole(&named(&release)?)?.system;
                let text = store::differences(self.world, &self.current()?, &system)?;
                value(Text { text })
            }
            Request::Stop => value(self.stop()?),
            Request::List => value(self.list()?),
            Request::Log => value(self.log()),
        }
    }

    /// The deployments, the newest last.
    #[must_use]
    pub fn log(&self) -> Deployments {
        Deployments {
            deployments: self.records(),
        }
    }

    fn current(&self) -> Result<StorePath, String> {
        generations::current(self.world)
            .map_err(|error| format!("the running system cannot be read: {error}"))
    }

    /// This host's own configuration.
    fn config(&self) -> Result<HostConfig, String> {
        forward::read_config(self.world, &Path::new("/").join(host_config::PATH))
    }

    /// Whether a deployment is under way.
    fn is_held(&self) -> Result<bool, String> {
        lock::is_held(self.world)
            .map_err(|error| format!("systemd does not report what is under way: {error}"))
    }

    /// The running system, and its words.
    ///
    /// # Errors
    ///
    /// The part that cannot be read.
    pub fn status(&self) -> Result<Status, String> {
        let config = self.config()?;
        let current = self.current()?;
        Ok(Status {
            environment: config.environment,
            default: generations::default(self.world).map(|path| path.path().to_owned()),
            generation: generations::number(self.world),
            release: offers::of_system(self.world, &current),
            current: current.path().to_owned(),
            last: self.records().pop(),
            under_way: self.is_held()?,
            words: self
                .world
                .readiness(&config.listen)
                .into_iter()
                .map(|(word, why)| (word, why.unwrap_or_else(|| "ready".to_owned())))
                .collect(),
        })
    }

    /// Verifies a release by the policy and the keys of this host.
    fn judge(&self, signed: &SignedRelease) -> Result<Judged, String> {
        let config = self.config()?;
        let mut keys = Vec::new();
        for file in &config.trust.key_files {
            match PublicKey::read(&self.world.at(file)) {
                Ok(key) => keys.push(key),
                // One of the key files may be for another purpose.
                Err(fault) => eprintln!("passed over: {fault}"),
            }
        }
        let trusted = trust::judge(&config.trust, &keys, &config.environment, signed)
            .map_err(|refusal| refusal.to_string())?;
        let running = offers::of_system(self.world, &self.current()?);
        trust::not_older(&trusted.deployed, running.as_ref()).map_err(|refusal| refusal.to_string())?;
        let system = trusted
            .release
            .hosts
            .get(&config.environment)
            .ok_or_else(|| format!("the release has no host {}", config.environment))
            .and_then(|host| StorePath::from_path(&host.system).map_err(|error| error.to_string()))?;
        Ok(Judged { system, trusted })
    }

    fn offer(&self, signed: &SignedRelease) -> Result<Offered, String> {
        let Judged { system, trusted } = self.judge(signed)?;
        let name = named(&trusted.digest)?;
        let accepted = Accepted {
            system,
            deployed: trusted.deployed,
        };
        offers::keep(self.world, &name, signed, &accepted)
            .map_err(|error| format!("the release cannot be kept: {error}"))?;
        let missing = store::missing(self.world, trusted.closure.0.keys().map(PathBuf::as_path))?;
        Ok(Offered {
            release: trusted.digest,
            system: accepted.system.path().to_owned(),
            missing: missing.into_iter().collect(),
        })
    }

    /// An offered release, verified again: the host's policy may have changed since the offer.
    fn offered(&self, name: &ReleaseName) -> Result<Judged, String> {
        let signed = offers::read(self.world, name).map_err(|_| {
            format!("the release {name} was not offered here, or was offered long ago: offer it again")
        })?;
        self.judge(&signed)
    }

    fn receive(&self, name: &ReleaseName, input: &mut dyn BufRead) -> Result<Empty, String> {
        let Judged { trusted, .. } = self.offered(name)?;
        let _locked = self
            .world
            .lock(&places::receiving(), Duration::ZERO)
            .map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => {
                    "paths are being received already: wait until they are here".to_owned()
                }
                _ => format!("{} cannot be locked: {error}", places::receiving().display()),
            })?;
        let missing = store::missing(self.world, trusted.closure.0.keys().map(PathBuf::as_path))?;
        receive::receive(input, &trusted.closure, missing, &self.world.at(&places::state()))?;
        Ok(Empty {})
    }

    /// An offered release whose closure in this store matches the signed one. A path that was here before the offer may
    /// have other content.
    fn whole(&self, name: &ReleaseName) -> Result<Judged, String> {
        let judged = self.offered(name)?;
        let signed = &judged.trusted.closure;
        let missing = store::missing(self.world, signed.0.keys().map(PathBuf::as_path))?;
        if let Some(path) = missing.first() {
            return Err(format!(
                "{} paths of the release are not here, such as {}: send them first",
                missing.len(),
                path.display()
            ));
        }
        let here = store::closure(self.world, &judged.system)?;
        if here.digest() == signed.digest() {
            return Ok(judged);
        }
        let differs = signed
            .0
            .iter()
            .find(|(path, hash)| here.0.get(*path).is_some_and(|here| here != *hash));
        Err(match differs {
            Some((path, hash)) => format!(
                "{} has other content here than was signed: it is {}, and {hash} was signed",
                path.display(),
                here.0.get(path).map_or("none", String::as_str)
            ),
            None => format!(
                "the closure of {} has other paths here than were signed: {} and not {}",
                judged.system,
                here.0.len(),
                signed.0.len()
            ),
        })
    }

    /// Ensures that nothing is under way, and that nothing starts until the returned lock is dropped.
    fn quiet(&self) -> Result<Locked, String> {
        const UNDER_WAY: &str = "another deployment is under way";
        if self.is_held()? {
            return Err(UNDER_WAY.to_owned());
        }
        let locked = self
            .world
            .lock(&places::beginning(), LOCK)
            .map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => UNDER_WAY.to_owned(),
                _ => format!("{} cannot be locked: {error}", places::beginning().display()),
            })?;
        if self.is_held()? {
            return Err(UNDER_WAY.to_owned());
        }
        Ok(locked)
    }

    fn begin(&self, id: &Id, goal: Goal, confirmation: u64) -> Result<Empty, String> {
        if !(1..=CONFIRMATION).contains(&confirmation) {
            return Err(format!(
                "invalid confirmation {confirmation}: expected 1 to {CONFIRMATION} seconds"
            ));
        }
        let force = goal.force.as_deref().map(one_line);
        if force.as_deref() == Some("") {
            return Err(
                "the reason of --force is empty: expected why words that are not ready may be deployed"
                    .to_owned(),
            );
        }
        let _locked = self.quiet()?;
        let old = self.current()?;
        // The running system may have changed since the release was verified.
        if let (Some(release), None) = (&goal.release, goal.generation) {
            trust::not_older(release, offers::of_system(self.world, &old).as_ref())
                .map_err(|refusal| refusal.to_string())?;
        }
        let before = records::all(self.world);
        records::prune(self.world);
        let kept = Kept {
            number: before.last().map_or(0, |last| last.number) + 1,
            record: Record {
                id: id.to_string(),
                begun: self.world.time(),
                system: goal.system.path().to_owned(),
                before: old.path().to_owned(),
                release: goal.release,
                generation: goal.generation,
                force,
                state: State::Begun,
                reason: None,
                excused: Vec::new(),
            },
            way: Way {
                id: id.clone(),
                old,
                new: goal.system,
                default: generations::number(self.world),
                newest: generations::all(self.world).pop().unwrap_or(0),
            },
            failed: Default::default(),
            finalized: false,
        };
        records::begin(self.world, &kept).map_err(|error| format!("it cannot be kept: {error}"))?;
        if let Err(error) = lock::take(self.world, &self.program, &kept.way, confirmation) {
            records::forget(self.world, id);
            return Err(error.to_string());
        }
        eprintln!(
            "deployment {id}: started, from {} to {}",
            kept.way.old, kept.way.new
        );
        Ok(Empty {})
    }

    /// Starts a rollback to a generation.
    ///
    /// # Errors
    ///
    /// Why it was not started.
    pub fn rollback(
        &self,
        id: &Id,
        generation: Option<u64>,
        confirmation: u64,
    ) -> Result<RollingBack, String> {
        let default = generations::number(self.world);
        let all = generations::all(self.world);
        let generation = match (generation, default) {
            (Some(generation), _) => generation,
            (None, Some(default)) => all
                .iter()
                .copied()
                .rfind(|number| *number < default)
                .ok_or_else(|| format!("there is no generation before {default}"))?,
            (None, None) => return Err("this host has no generations".to_owned()),
        };
        let system = generations::system(self.world, generation).map_err(|_| {
            let all: Vec<_> = all.iter().map(u64::to_string).collect();
            format!(
                "there is no generation {generation}: expected one of {}",
                all.join(", ")
            )
        })?;
        if default == Some(generation) && self.current()? == system {
            return Err(format!(
                "generation {generation} runs already, and is the boot default"
            ));
        }
        // A system without a configuration cannot be confirmed.
        let config = forward::config(self.world, &system)
            .map_err(|error| format!("generation {generation} cannot be deployed: {error}"))?;
        let goal = Goal {
            release: offers::of_system(self.world, &system),
            system: system.clone(),
            generation: Some(generation),
            force: None,
        };
        self.begin(id, goal, confirmation)?;
        Ok(RollingBack {
            generation,
            system: system.path().to_owned(),
            pages: config.pages,
        })
    }

    /// The progress of a deployment.
    ///
    /// # Errors
    ///
    /// systemd does not report what is under way.
    pub fn progress(&self, id: &Id, seen: usize) -> Result<Progress, String> {
        // This query comes first: a deployment that ends later has written its outcome, or is recognised as lost the
        // next time.
        let is_held = self.is_held()?;
        let Ok(kept) = records::read(self.world, id) else {
            return Ok(Progress {
                state: State::Lost,
                reason: Some("the host does not know this deployment".to_owned()),
                lines: Vec::new(),
                excused: Vec::new(),
            });
        };
        let record = if is_held && self.is_last(&kept) {
            going_on(kept)
        } else {
            self.lost(kept)
        };
        // After the record: a client that sees its outcome then sees all lines before it.
        let log = self.world.read(&places::log(id)).unwrap_or_default();
        Ok(Progress {
            lines: lines(&log, record.state.is_final()).skip(seen).collect(),
            state: record.state,
            reason: record.reason,
            excused: record.excused,
        })
    }

    /// All records, the newest last; only that one may be under way.
    fn records(&self) -> Vec<Record> {
        let is_held = self.is_held().unwrap_or(true);
        let mut all = records::all(self.world);
        let last = all.pop();
        let mut records: Vec<_> = all.into_iter().map(|kept| self.lost(kept)).collect();
        records.extend(last.map(|kept| if is_held { going_on(kept) } else { self.lost(kept) }));
        records
    }

    fn is_last(&self, kept: &Kept) -> bool {
        records::all(self.world)
            .last()
            .is_none_or(|last| last.number <= kept.number)
    }

    /// The record of a deployment that is not under way: without an outcome of its own, it is lost.
    fn lost(&self, kept: Kept) -> Record {
        let mut record = kept.record;
        let is_starting = record.state == State::Begun && self.world.time() <= record.begun + START;
        if record.state.is_final() || is_starting {
            return record;
        }
        let name = |system: Option<StorePath>| match system {
            Some(system) if system == kept.way.old => format!("the old system, {system}"),
            Some(system) if system == kept.way.new => format!("the new system, {system}"),
            Some(system) => system.to_string(),
            None => "nothing that can be read".to_owned(),
        };
        let facts = format!(
            "its process on the host ended at '{}' without a report: the running system is {}, and the next start boots {}",
            record.state,
            name(generations::current(self.world).ok()),
            name(generations::default(self.world)),
        );
        record.reason = Some(match record.reason {
            Some(reason) => format!("{reason}; {facts}"),
            None => facts,
        });
        record.state = State::Lost;
        record
    }

    /// A deployment that is under way.
    fn under_way(&self, id: &Id) -> Result<Kept, String> {
        let kept =
            records::read(self.world, id).map_err(|_| "the host does not know this deployment".to_owned())?;
        if self.is_held()? && self.is_last(&kept) && !kept.record.state.is_final() {
            return Ok(kept);
        }
        Err(format!("the deployment has ended: {}", self.lost(kept).state))
    }

    /// Confirms the new system.
    ///
    /// # Errors
    ///
    /// There is nothing to confirm.
    pub fn confirm(&self, id: &Id) -> Result<Empty, String> {
        let state = self.under_way(id)?.record.state;
        if state != State::Unconfirmed {
            return Err(format!("the deployment cannot be confirmed: it is at '{state}'"));
        }
        records::confirm(self.world, id)
            .map_err(|error| format!("the confirmation cannot be written: {error}"))?;
        Ok(Empty {})
    }

    fn abort(&self, id: &Id, reason: &str) -> Result<Empty, String> {
        self.under_way(id)?;
        records::give_reason(self.world, id, &one_line(reason));
        lock::stop(self.world).map_err(|error| error.to_string())?;
        Ok(Empty {})
    }

    /// The running system, by the hashes in the store's database.
    ///
    /// # Errors
    ///
    /// The part that cannot be read.
    pub fn check(&self) -> Result<Checked, String> {
        let current = self.current()?;
        let mut programs = std::collections::BTreeMap::new();
        for word in self.config()?.listen.into_keys() {
            let program = self.program_of(&word);
            programs.insert(word, program);
        }
        Ok(Checked {
            closure: store::closure(self.world, &current)?.digest(),
            default: generations::default(self.world).map(|path| path.path().to_owned()),
            current: current.path().to_owned(),
            programs,
        })
    }

    fn program_of(&self, word: &str) -> Option<PathBuf> {
        let unit = format!("wordtally-{word}.service");
        let command = Command::new("systemctl", LIMIT).args(["show", "--property=MainPID", "--value", &unit]);
        let process: u32 = text(self.world, &command).ok()?.trim().parse().ok()?;
        self.world
            .read_link(Path::new(&format!("/proc/{process}/exe")))
            .ok()
    }

    fn stop(&self) -> Result<Empty, String> {
        let words = self.config()?.listen;
        let units = words.keys().flat_map(|word| {
            [
                format!("wordtally-{word}.socket"),
                format!("wordtally-{word}.service"),
            ]
        });
        done(
            self.world,
            &Command::new("systemctl", LIMIT).arg("stop").args(units),
        )
        .map_err(|error| error.to_string())?;
        Ok(Empty {})
    }

    /// The generations.
    ///
    /// # Errors
    ///
    /// The part that cannot be read.
    pub fn list(&self) -> Result<Generations, String> {
        let (current, default) = (self.current()?, generations::number(self.world));
        let generations = generations::all(self.world)
            .into_iter()
            .filter_map(|number| {
                let system = generations::system(self.world, number).ok()?;
                Some(Generation {
                    number,
                    made: self.world.made(&generations::link(number)).unwrap_or(0),
                    current: system == current,
                    default: default == Some(number),
                    release: offers::of_system(self.world, &system),
                    system: system.path().to_owned(),
                })
            })
            .collect();
        Ok(Generations { generations })
    }
}

/// The record of a deployment, or its repair, that is under way: a failed rollback is tried again.
fn going_on(kept: Kept) -> Record {
    let mut record = kept.record;
    if record.state == State::NotRolledBack {
        record.state = State::RollingBack;
    }
    record
}

/// The lines of a log. A line without its end is still being written.
fn lines(log: &[u8], is_over: bool) -> impl Iterator<Item = String> {
    log.split_inclusive(|byte| *byte == b'\n')
        .filter(move |line| is_over || line.ends_with(b"\n"))
        .map(|line| String::from_utf8_lossy(line).trim_end_matches('\n').to_owned())
}

fn named<T: std::str::FromStr<Err = super::names::InvalidName>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn value(answer: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|error| error.to_string())
}

/// Text from another program, made fit for a line of the log.
fn one_line(text: &str) -> String {
    text.trim()
        .chars()
        .take(REASON)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_line_is_reported_once_it_is_complete() {
        assert_eq!(lines(b"one\ntw", false).collect::<Vec<_>>(), ["one"]);
        assert_eq!(lines(b"one\ntw", true).collect::<Vec<_>>(), ["one", "tw"]);
        assert_eq!(
            lines(b"one\n\ntwo\n", false).collect::<Vec<_>>(),
            ["one", "", "two"]
        );
    }
}
