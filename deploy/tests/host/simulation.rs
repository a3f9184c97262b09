//! The steps forward, of the rollback and of the repair on a machine in memory: each command failing, each write
//! failing, and a crash after each step, at each point of each of the three.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use wordtally_deploy::host::back::{Forward, back};
use wordtally_deploy::host::forward::{Patience, forward};
use wordtally_deploy::host::names::StorePath;
use wordtally_deploy::host::records::{self, Journal, Kept, Way};
use wordtally_deploy::host::recover::{self, PAUSE, recover};
use wordtally_deploy::host::world::{Command, CommandFailed, Ended, Locked, ROUND, World};
use wordtally_deploy::host::{lock, places};
use wordtally_deploy::page::{ByCorpus, Wrong};
use wordtally_deploy::protocol::Record;
use wordtally_deploy::state::State;

use crate::machine::{ID, NEW, OLD};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File(Vec<u8>),
    Link(PathBuf),
}

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The process is killed after the step.
    Crash,
    /// The step does nothing, and fails.
    Fails,
    /// The step does everything, and reports a failure.
    FailsLate,
    /// From here on nothing can be written.
    DiskFull,
    /// The whole machine is restarted after the step.
    PowerCut,
}

/// When it goes wrong: at a step of the process forward (0), of the rollback (1), or of a repair.
type Fault = (usize, usize, Kind);

struct Crash;

/// The machine. A file is in a folder if its name begins with the folder's.
struct Memory {
    nodes: RefCell<BTreeMap<PathBuf, Node>>,
    running_preflights: RefCell<BTreeSet<String>>,
    /// The system that the boot loader starts.
    boots: RefCell<String>,
    clock: Cell<Duration>,
    steps: Cell<usize>,
    process: Cell<usize>,
    faults: Vec<Fault>,
    is_disk_full: Cell<bool>,
    is_off: Cell<bool>,
    is_confirming: bool,
    new_is_ready: bool,
    /// Whether the boot default was ever different from the old one before the confirmation.
    is_ahead: Cell<bool>,
    under_way: Cell<bool>,
    ending_until: Cell<Duration>,
    /// Whether each command and each query takes as long as it may.
    is_slow: Cell<bool>,
    is_locked: Cell<bool>,
    old_is_ready_from: Cell<Duration>,
    switching_until: Cell<Duration>,
    /// The number of steps of each process.
    counts: RefCell<Vec<usize>>,
}

impl Memory {
    fn new((is_confirming, new_is_ready): (bool, bool), faults: &[Fault]) -> Self {
        let mut memory = Self {
            nodes: RefCell::default(),
            running_preflights: RefCell::default(),
            boots: RefCell::new(OLD.to_owned()),
            clock: Cell::default(),
            steps: Cell::new(0),
            process: Cell::new(0),
            faults: Vec::new(),
            is_disk_full: Cell::new(false),
            is_off: Cell::new(false),
            is_confirming,
            new_is_ready,
            is_ahead: Cell::new(false),
            under_way: Cell::new(false),
            ending_until: Cell::default(),
            is_slow: Cell::default(),
            is_locked: Cell::default(),
            old_is_ready_from: Cell::default(),
            switching_until: Cell::default(),
            counts: RefCell::default(),
        };
        for system in [OLD, NEW] {
            memory.put(
                &format!("{system}/etc/deploy-host/host.json"),
                r#"{"environment":"prod","listen":{"the":"unix:/run/wordtally/the.sock"},"pages":{},
                    "certificateAuthority":null,"expectedCounts":{"the":{"hamlet":995}},"identities":["/key"],
                    "secrets":{"/run/agenix/a":"SECRET"},
                    "trust":{"keyFiles":[],"repositories":[],"builders":[],"refs":[]}}"#
                    .replace("SECRET", &format!("{system}/a.age"))
                    .as_str(),
            );
            memory.put(&format!("{system}/a.age"), system);
            for kind in ["service", "socket"] {
                memory.put(
                    &format!("{system}/etc/systemd/system/wordtally-the.{kind}"),
                    &format!("LoadCredential=a:/run/agenix/a\nListenStream=x\nExecStart={system}\n"),
                );
            }
        }
        memory.put("/key", "");
        memory.put_link("/run/current-system", OLD);
        memory.put_link("/nix/var/nix/profiles/system-1-link", OLD);
        memory.put_link("/nix/var/nix/profiles/system", "system-1-link");
        records::begin(&memory, &kept()).unwrap();
        memory.steps.set(0);
        memory.faults = faults.to_vec();
        memory
    }

    fn put(&self, path: &str, text: &str) {
        self.nodes
            .borrow_mut()
            .insert(path.into(), Node::File(text.into()));
    }

    fn put_link(&self, path: &str, target: &str) {
        self.nodes
            .borrow_mut()
            .insert(path.into(), Node::Link(target.into()));
    }

    fn target(&self, path: &str) -> String {
        match self.nodes.borrow().get(Path::new(path)) {
            Some(Node::Link(target)) => target.display().to_string(),
            _ => String::new(),
        }
    }

    fn current(&self) -> String {
        self.target(places::CURRENT)
    }

    fn default(&self) -> String {
        let folder = "/nix/var/nix/profiles";
        self.target(&format!("{folder}/{}", self.target(places::PROFILE)))
    }

    /// One step that changes the machine, unless it goes wrong.
    fn step<T, E>(
        &self,
        is_write: bool,
        failed: impl Fn() -> E,
        act: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let now = (self.process.get(), self.steps.get());
        self.steps.set(now.1 + 1);
        let kind = self
            .faults
            .iter()
            .find(|(process, step, _)| (*process, *step) == now)
            .map(|fault| fault.2);
        self.is_disk_full
            .set(self.is_disk_full.get() || kind == Some(Kind::DiskFull));
        if kind == Some(Kind::Fails) || (is_write && self.is_disk_full.get()) {
            return Err(failed());
        }
        let done = act();
        if self.default() != OLD || *self.boots.borrow() != OLD {
            let is_confirmed = self.nodes.borrow().contains_key(&deployment().join("confirmed"));
            self.is_ahead.set(self.is_ahead.get() || !is_confirmed);
        }
        match kind {
            Some(Kind::Crash) => resume_unwind(Box::new(Crash)),
            Some(Kind::PowerCut) => {
                self.is_off.set(true);
                resume_unwind(Box::new(Crash))
            }
            Some(Kind::FailsLate) => Err(failed()),
            _ => done,
        }
    }

    fn write_step<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.step(true, || io::Error::from(io::ErrorKind::StorageFull), act)
    }

    /// The machine after a restart.
    fn restart(&self) {
        let boots = self.boots.borrow().clone();
        self.nodes
            .borrow_mut()
            .retain(|path, _| !path.starts_with("/run"));
        self.running_preflights.borrow_mut().clear();
        self.put_link(places::CURRENT, &boots);
    }

    fn execute(&self, command: &Command) -> Ended {
        let code = |code| Ended {
            code: Some(code),
            ..Ended::default()
        };
        let arguments: Vec<_> = command
            .arguments
            .iter()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let program = command.program.to_string_lossy().into_owned();
        if let Some(system) = program.strip_suffix("/bin/switch-to-configuration") {
            match arguments[0] {
                "test" => self.put_link(places::CURRENT, system),
                "boot" => system.clone_into(&mut self.boots.borrow_mut()),
                _ => {}
            }
            return code(0);
        }
        match (program.as_str(), arguments.as_slice()) {
            ("systemctl", ["start", "--no-block", units @ ..]) => {
                self.running_preflights
                    .borrow_mut()
                    .extend(units.iter().map(|&unit| unit.to_owned()));
            }
            ("systemctl", ["stop", units @ ..]) => {
                self.running_preflights
                    .borrow_mut()
                    .retain(|unit| !units.contains(&unit.as_str()));
            }
            ("systemctl", ["show", ..]) => {
                let state = if self.clock.get() < self.ending_until.get() {
                    "deactivating"
                } else if self.under_way.get() {
                    "active"
                } else {
                    "inactive"
                };
                return Ended {
                    output: state.into(),
                    ..code(0)
                };
            }
            ("systemctl", _) => {}
            ("nix-env", ["--profile", profile, "--set", system]) => {
                self.put_link(&format!("{profile}-2-link"), system);
                self.put_link(profile, "system-2-link");
            }
            ("nix-env", ["--profile", profile, "--switch-generation", number]) => {
                self.put_link(profile, &format!("system-{number}-link"));
            }
            ("nix-env", ["--profile", profile, "--delete-generations", number]) => {
                self.nodes
                    .borrow_mut()
                    .remove(Path::new(&format!("{profile}-{number}-link")));
            }
            ("age", _) => {
                return Ended {
                    output: b"secret".into(),
                    ..code(0)
                };
            }
            other => panic!("unexpected {other:?}"),
        }
        code(0)
    }
}

impl World for Memory {
    fn run(&self, command: &Command) -> Result<Ended, CommandFailed> {
        if command.arguments.first().is_some_and(|first| first == "show") {
            return Ok(self.execute(command));
        }
        if self.is_slow.get() {
            self.clock.set(self.clock.get() + command.limit);
            // Another one begins as soon as one has ended.
            self.switching_until
                .set(self.clock.get() + Duration::from_secs(10_000));
        }
        if command.program.ends_with("bin/switch-to-configuration") && !self.is_slow.get() {
            assert!(!self.is_switching(), "{command:?} beside another one");
        }
        let failed = || CommandFailed::TooLong {
            name: command.name(),
            limit: command.limit,
        };
        self.step(false, failed, || Ok(self.execute(command)))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.nodes.borrow().get(path) {
            Some(Node::File(content)) => Ok(content.clone()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.write_step(|| {
            self.nodes
                .borrow_mut()
                .insert(path.into(), Node::File(content.into()));
            Ok(())
        })
    }

    fn publish(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.write(path, content)
    }

    fn create(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if self.exists(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.write(path, content)
    }

    fn append(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut whole = self.read(path).unwrap_or_default();
        whole.extend(content);
        self.write(path, &whole)
    }

    fn make_folder(&self, _path: &Path) -> io::Result<()> {
        self.write_step(|| Ok(()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(
            false,
            || io::ErrorKind::Other.into(),
            || {
                self.nodes.borrow_mut().retain(|node, _| !node.starts_with(path));
                Ok(())
            },
        )
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let nodes = self.nodes.borrow();
        let names: BTreeSet<_> = nodes
            .keys()
            .filter_map(|path| path.strip_prefix(folder).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        Ok(names.into_iter().collect())
    }

    fn exists(&self, path: &Path) -> bool {
        self.nodes.borrow().keys().any(|node| node.starts_with(path))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.nodes.borrow().get(path) {
            Some(Node::Link(target)) => Ok(target.clone()),
            _ if self.exists(path) => Err(io::ErrorKind::InvalidInput.into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn link(&self, target: &Path, path: &Path) -> io::Result<()> {
        self.write_step(|| {
            self.nodes
                .borrow_mut()
                .insert(path.into(), Node::Link(target.into()));
            Ok(())
        })
    }

    fn made(&self, _path: &Path) -> io::Result<u64> {
        Ok(0)
    }

    fn clock(&self) -> Duration {
        self.clock.get()
    }

    fn time(&self) -> u64 {
        0
    }

    fn sleep(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
        // The deployer sees the state, and confirms it.
        if self.is_confirming && record(self).is_some_and(|record| record.state == State::Unconfirmed) {
            self.put(&deployment().join("confirmed").to_string_lossy(), "");
        }
    }

    fn readiness(&self, words: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
        if self.is_slow.get() {
            self.clock.set(self.clock.get() + ROUND);
        }
        let is_new = |listen: &str| listen.contains("preflight") || self.current() == NEW;
        words
            .iter()
            .map(|(word, listen)| {
                let is_ready = if is_new(listen) {
                    self.new_is_ready
                } else {
                    self.clock.get() >= self.old_is_ready_from.get()
                };
                (word.clone(), (!is_ready).then(|| "not ready".to_owned()))
            })
            .collect()
    }

    fn counts(&self, words: &BTreeMap<String, String>) -> BTreeMap<String, Result<ByCorpus, Wrong>> {
        if self.is_slow.get() {
            self.clock.set(self.clock.get() + ROUND);
        }
        words
            .keys()
            .map(|word| (word.clone(), Ok([("hamlet".to_owned(), 995)].into())))
            .collect()
    }

    fn lock(&self, _path: &Path, _limit: Duration) -> io::Result<Locked> {
        if self.is_locked.get() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Locked::default())
    }

    fn is_switching(&self) -> bool {
        self.clock.get() < self.switching_until.get()
    }
}

fn store_path(path: &str) -> StorePath {
    path.parse().unwrap()
}

fn deployment() -> PathBuf {
    places::deployment(&ID.parse().unwrap())
}

fn record(world: &Memory) -> Option<Record> {
    records::read(world, &ID.parse().unwrap())
        .ok()
        .map(|kept| kept.record)
}

fn kept() -> Kept {
    Kept {
        number: 1,
        record: Record {
            id: ID.to_owned(),
            begun: 0,
            system: NEW.into(),
            before: OLD.into(),
            release: None,
            generation: None,
            force: None,
            state: State::Begun,
            reason: None,
            excused: Vec::new(),
        },
        way: way(),
        failed: BTreeSet::new(),
        finalized: false,
    }
}

fn way() -> Way {
    Way {
        id: ID.parse().unwrap(),
        old: store_path(OLD),
        new: store_path(NEW),
        default: Some(1),
        newest: 1,
    }
}

const PATIENCE: Patience = Patience {
    ready: Duration::from_secs(60),
    confirmation: Duration::from_secs(120),
};

/// The result of a process; none if it was killed.
fn process<T>(world: &Memory, number: usize, run: impl FnOnce() -> T) -> Option<T> {
    world.process.set(number);
    world.steps.set(0);
    let ended = catch_unwind(AssertUnwindSafe(run))
        .map_err(|payload| assert!(payload.is::<Crash>(), "it panicked"))
        .ok();
    world.counts.borrow_mut().push(world.steps.get());
    ended
}

/// A deployment, with the actions of systemd around it.
fn deploy(world: &Memory) {
    world.under_way.set(true);
    let ended = process(world, 0, || {
        let mut journal = Journal::new(world, kept());
        let went = forward(world, &mut journal, PATIENCE);
        if let Err(reason) = &went {
            records::give_reason(world, &way().id, reason);
        }
        went
    });
    if !world.is_off.get() {
        let forward = match ended {
            Some(Ok(())) => Forward::Committed,
            Some(Err(_)) => Forward::Failed,
            None => Forward::Interrupted,
        };
        let way_back = process(world, 1, || back(world, &way(), forward));
        if way_back == Some(Ok(())) && forward == Forward::Committed {
            world.under_way.set(false);
            return;
        }
    }
    // After a failure, and at each start.
    world.under_way.set(false);
    for number in 2..=6 {
        if world.is_off.replace(false) {
            world.restart();
        }
        if process(world, number, || recover(world, PAUSE)) == Some(Ok(())) && !world.is_off.get() {
            return;
        }
    }
}

/// The properties that hold whatever went wrong.
fn judge(world: &Memory, what: &str) {
    let (current, default, boots) = (world.current(), world.default(), world.boots.borrow().clone());
    let runs = [current.as_str(), default.as_str(), boots.as_str()];
    assert!(
        runs == [OLD; 3] || runs == [NEW; 3],
        "{what}: neither whole: {runs:?}"
    );
    assert!(
        !world.is_ahead.get(),
        "{what}: the boot default was ahead of the confirmation"
    );
    let left: Vec<_> = world
        .nodes
        .borrow()
        .keys()
        .filter(|path| path.to_string_lossy().contains("preflight"))
        .cloned()
        .collect();
    assert!(left.is_empty(), "{what}: left {left:?}");
    let running = world.running_preflights.borrow();
    assert!(running.is_empty(), "{what}: still run {running:?}");
    let is_stopped_only = world
        .faults
        .iter()
        .all(|fault| matches!(fault.2, Kind::Crash | Kind::PowerCut));
    if runs == [OLD; 3] && is_stopped_only {
        let generations = world.names(Path::new("/nix/var/nix/profiles")).unwrap();
        assert_eq!(generations, ["system", "system-1-link"], "{what}");
    }
    // The reported outcome is true, or reported as not known.
    let record = record(world).unwrap();
    match record.state {
        State::Committed => assert_eq!(runs, [NEW; 3], "{what}"),
        State::Refused | State::RolledBack => {
            assert_eq!(runs, [OLD; 3], "{what}");
            assert!(record.reason.is_some(), "{what}: no reason");
        }
        // Its outcome could not be written: it is reported as lost.
        other => assert!(
            world.is_disk_full.get() && other != State::NotRolledBack,
            "{what}: ended at {other}"
        ),
    }
}

/// Whether it is confirmed, and whether the new system gets ready.
const WORLDS: [(bool, bool); 3] = [(true, true), (false, true), (true, false)];
const KINDS: [Kind; 5] = [
    Kind::Crash,
    Kind::Fails,
    Kind::FailsLate,
    Kind::DiskFull,
    Kind::PowerCut,
];
const STOPS: [Kind; 2] = [Kind::Crash, Kind::PowerCut];

/// Tries faults; returns how many steps each process had.
fn tried(world: (bool, bool), faults: &[Fault]) -> Vec<usize> {
    let memory = Memory::new(world, faults);
    deploy(&memory);
    judge(&memory, &format!("{world:?} {faults:?}"));
    memory.counts.into_inner()
}

/// Tries each kind of fault at each step of a process, after the faults before it; returns how many cases there were.
fn each(world: (bool, bool), before: &[Fault], kinds: &[&[Kind]]) -> usize {
    let steps = tried(world, before);
    let process = before.len();
    let (Some(steps), Some((kinds, deeper))) = (steps.get(process), kinds.split_first()) else {
        return 1;
    };
    let mut cases = 1;
    for step in 0..*steps {
        for kind in *kinds {
            cases += each(world, &[before, &[(process, step, *kind)]].concat(), deeper);
        }
    }
    cases
}

#[test]
fn only_a_confirmed_system_stays() {
    for (world, end) in WORLDS.into_iter().zip([NEW, OLD, OLD]) {
        let memory = Memory::new(world, &[]);
        deploy(&memory);
        judge(&memory, "without a fault");
        assert_eq!(memory.current(), end);
    }
}

#[test]
fn a_repair_waits_for_the_rollback_and_leaves_a_deployment_that_goes_forward() {
    let memory = Memory::new((true, true), &[]);
    memory.under_way.set(true);
    recover(&memory, PAUSE).unwrap();
    assert_eq!(record(&memory).unwrap().state, State::Begun);
    memory.under_way.set(false);
    memory.ending_until.set(Duration::from_secs(5));
    recover(&memory, PAUSE).unwrap();
    assert_eq!(memory.clock(), Duration::from_secs(5));
    assert_eq!(record(&memory).unwrap().state, State::Refused);
    memory.ending_until.set(Duration::from_secs(10_000));
    assert_eq!(recover(&memory, PAUSE).unwrap_err(), "the rollback does not end");
}

/// A process that systemd ends during its last step leaves a confirmed deployment half done.
#[test]
fn the_limits_of_the_units_hold_all_that_their_steps_may_take() {
    let memory = Memory::new((true, true), &[]);
    memory.is_slow.set(true);
    memory.switching_until.set(Duration::from_secs(10_000));
    memory.put("/run/systemd/system/preflight-wordtally-left.service", "");
    let went = forward(&memory, &mut Journal::new(&memory, kept()), PATIENCE);
    assert_eq!(went, Ok(()));
    let took = memory.clock();
    assert!(took <= Duration::from_secs(lock::FORWARD), "{took:?}");
    assert!(took > Duration::from_secs(lock::FORWARD / 2), "{took:?}");

    memory.put("/run/systemd/system/preflight-wordtally-left.service", "");
    let begun = memory.clock();
    let mut lost = kept();
    lost.record.state = State::Activating;
    lost.finalized = true;
    records::write(&memory, &lost).unwrap();
    back(&memory, &way(), Forward::Interrupted).unwrap();
    let took = memory.clock() - begun;
    assert!(took <= Duration::from_secs(lock::BACK), "{took:?}");
    assert!(took > Duration::from_secs(lock::BACK / 2), "{took:?}");
    let given = include_str!("../../host.nix")
        .rsplit_once("RuntimeMaxSec = \"")
        .and_then(|(_, rest)| rest.split_once("min\""))
        .map(|(minutes, _)| minutes.parse::<u64>().unwrap() * 60)
        .unwrap();
    assert!(given > recover::MOST, "{given}");
}

#[test]
fn a_step_waits_for_another_activation_to_end() {
    let memory = Memory::new((true, true), &[]);
    memory.switching_until.set(Duration::from_secs(50));
    forward(&memory, &mut Journal::new(&memory, kept()), PATIENCE).unwrap();
    memory
        .switching_until
        .set(memory.clock() + Duration::from_secs(50));
    let mut activated = kept();
    activated.record.state = State::Readiness;
    records::write(&memory, &activated).unwrap();
    back(&memory, &way(), Forward::Failed).unwrap();
    assert_eq!(memory.current(), OLD);
}

#[test]
fn a_word_is_excused_by_three_answers_and_not_by_one() {
    let words = || {
        let memory = Memory::new((true, true), &[]);
        memory.old_is_ready_from.set(Duration::from_secs(9));
        memory
    };
    let memory = words();
    forward(&memory, &mut Journal::new(&memory, kept()), PATIENCE).unwrap();
    assert_eq!(record(&memory).unwrap().excused, [""; 0]);
    let memory = words();
    memory.old_is_ready_from.set(Duration::from_secs(11));
    forward(&memory, &mut Journal::new(&memory, kept()), PATIENCE).unwrap();
    assert_eq!(record(&memory).unwrap().excused, ["the"]);
}

#[test]
fn a_repair_leaves_a_deployment_that_begins() {
    let memory = Memory::new((true, true), &[]);
    memory.is_locked.set(true);
    assert_eq!(
        recover(&memory, PAUSE).unwrap_err(),
        "another deployment is starting, or being repaired"
    );
    assert_eq!(record(&memory).unwrap().state, State::Begun);
}

#[test]
fn a_system_that_an_operator_activated_before_the_first_step_stays() {
    let other = "/nix/store/33333333333333333333333333333333-other";
    let memory = Memory::new((true, true), &[]);
    memory.put(&format!("{other}/init"), "");
    memory.put_link(places::CURRENT, other);
    let went = forward(&memory, &mut Journal::new(&memory, kept()), PATIENCE);
    assert_eq!(
        went.unwrap_err(),
        format!("the running system is {other}, and no longer {OLD}")
    );
    back(&memory, &way(), Forward::Failed).unwrap();
    assert_eq!(memory.current(), other);
    assert_eq!(record(&memory).unwrap().state, State::Refused);
}

#[test]
fn each_step_may_go_wrong_in_each_way_forward_and_back() {
    let cases: usize = WORLDS
        .into_iter()
        .map(|world| each(world, &[], &[&KINDS, &KINDS]))
        .sum();
    println!("{cases} cases");
    assert!(cases > 8_000, "{cases}");
}

#[test]
fn each_process_may_be_killed_at_each_step_and_so_may_each_that_follows() {
    let cases = each((true, true), &[], &[&STOPS, &STOPS, &STOPS]);
    println!("{cases} cases");
    assert!(cases > 3_000, "{cases}");
}
