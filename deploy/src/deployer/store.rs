//! This machine's Nix store, through the program `nix-store`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::interrupt::Interrupt;
use super::output::clean;
use super::request::Stopped;
use crate::closure::nar_hash;
use crate::program::{self, NotEnded};

/// Paths per command: a command line has room for some 20,000.
const AT_ONCE: usize = 2000;
/// The limit of queries of Nix's database.
const QUERY: Duration = Duration::from_secs(120);
/// The limit of fetching paths from a cache.
const FETCH: Duration = Duration::from_secs(1800);

/// The metadata of a path in Nix's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The hash of its NAR, in Nix's form.
    pub(super) hash: String,
    /// The size of its NAR, in bytes.
    pub(super) size: u64,
    /// Paths that it refers to.
    pub(super) references: Vec<PathBuf>,
}

/// The paths that are not in this store.
pub(super) fn absent(paths: &[PathBuf], interrupt: &Interrupt) -> Result<Vec<PathBuf>, String> {
    let mut absent = Vec::new();
    for some in paths.chunks(AT_ONCE) {
        let said = run(&["--check-validity", "--print-invalid"], some, QUERY, interrupt)?;
        absent.extend(said.lines().map(PathBuf::from));
    }
    Ok(absent)
}

/// Makes Nix fetch paths from its configured caches.
pub(super) fn realise(paths: &[PathBuf], interrupt: &Interrupt) -> Result<(), String> {
    for some in paths.chunks(AT_ONCE) {
        run(&["--realise", "--quiet"], some, FETCH, interrupt)?;
    }
    Ok(())
}

/// The metadata of paths in this store.
pub(super) fn known(paths: &[PathBuf], interrupt: &Interrupt) -> Result<BTreeMap<PathBuf, Known>, String> {
    let mut known = BTreeMap::new();
    for some in paths.chunks(AT_ONCE) {
        let dump = run(&["--dump-db"], some, QUERY, interrupt)?;
        let mut lines = dump.lines();
        while let Some(path) = lines.next() {
            let entry = entry(&mut lines)
                .ok_or_else(|| format!("cannot parse the answer of nix-store about {path}"))?;
            known.insert(PathBuf::from(path), entry);
        }
    }
    Ok(known)
}

/// The lines of a path after its own: hash, size, deriver, number of references, and each reference.
fn entry<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Option<Known> {
    let hash = nar_hash(&bytes(lines.next()?)?);
    let size = lines.next()?.parse().ok()?;
    let _deriver = lines.next()?;
    let count = lines.next()?.parse().ok()?;
    let references: Vec<_> = lines.take(count).map(PathBuf::from).collect();
    (references.len() == count).then_some(Known {
        hash,
        size,
        references,
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = hex.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| u8::try_from(pair.first()? * 16 + pair.last()?).ok())
        .collect()
}

/// The paths, sorted so that each comes after its references.
pub(super) fn in_order(known: &BTreeMap<PathBuf, Known>) -> Vec<&Path> {
    let (mut order, mut seen) = (Vec::with_capacity(known.len()), BTreeSet::new());
    // Each path is opened once and closed once; a closure may be deeper than a stack.
    let mut open: Vec<(&Path, bool)> = known.keys().map(|path| (path.as_path(), false)).collect();
    while let Some((path, closed)) = open.pop() {
        if closed {
            order.push(path);
        } else if let Some(entry) = known.get(path)
            && seen.insert(path)
        {
            open.push((path, true));
            open.extend(entry.references.iter().map(|path| (path.as_path(), false)));
        }
    }
    order
}

/// Writes a path's NAR, which has this many bytes.
pub(super) fn dump(path: &Path, size: u64, to: &mut dyn Write) -> Result<(), Stopped> {
    let shown = path.display();
    let here = |why: &dyn std::fmt::Display| Stopped::Here(format!("{shown} cannot be read: {why}"));
    let mut child = Command::new("nix-store")
        .arg("--dump")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| here(&error))?;
    let sent = match child.stdout.take() {
        Some(nar) => copy(nar, size, to, &here),
        None => Err(here(&"nix-store has no output")),
    };
    if sent.is_err() {
        // It may still be running, with nobody to read its output.
        let _ = child.kill();
    }
    let ended = child.wait().map_err(|error| here(&error))?;
    sent?;
    if ended.success() {
        return Ok(());
    }
    Err(here(&format!("nix-store ended with {ended}")))
}

fn copy(
    nar: impl Read,
    size: u64,
    to: &mut dyn Write,
    here: &dyn Fn(&dyn std::fmt::Display) -> Stopped,
) -> Result<(), Stopped> {
    let mut nar = nar.take(size);
    let mut buffer = vec![0; 256 * 1024];
    let mut sent = 0;
    loop {
        let read = nar.read(&mut buffer).map_err(|error| here(&error))?;
        if read == 0 {
            break;
        }
        to.write_all(buffer.get(..read).unwrap_or_default())
            .map_err(|_| Stopped::There)?;
        sent += read as u64;
    }
    if sent == size {
        return Ok(());
    }
    Err(here(&format!(
        "it has {sent} bytes, and Nix knows it with {size}"
    )))
}

/// A command's output. The command is killed if it takes too long, or if the deployer is interrupted.
fn run(
    options: &[&str],
    paths: &[PathBuf],
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<String, String> {
    let mut command = Command::new("nix-store");
    command.args(options).args(paths);
    match program::output(&mut command, b"", limit, || !interrupt.came()) {
        Ok(ended) if ended.status.success() => Ok(String::from_utf8_lossy(&ended.output).into_owned()),
        Ok(ended) => Err(match program::last_line(&ended.errors) {
            Some(line) => clean(line),
            None => format!("nix-store ended with {}", ended.status),
        }),
        Err(NotEnded::NotRun(error)) => Err(format!("nix-store cannot be run: {error}")),
        Err(NotEnded::Killed) => Err(format!("nix-store did not finish within {} s", limit.as_secs())),
    }
}
