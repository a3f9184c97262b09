//! This machine's Nix store, by the program `nix-store`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::interrupt::Interrupt;
use super::output::clean;
use super::request::Stopped;
use crate::closure::nar_hash;

/// Paths of one command: a command line has room for some 20,000.
const AT_ONCE: usize = 2000;
/// For what Nix has in its books.
const QUERY: Duration = Duration::from_secs(120);
/// For paths that come from a cache.
const FETCH: Duration = Duration::from_secs(1800);
/// How often a wait looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(10);

/// What Nix has in its books of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Hash of its NAR, as Nix writes it.
    pub(super) hash: String,
    /// Bytes of its NAR.
    pub(super) size: u64,
    /// Paths that it refers to.
    pub(super) references: Vec<PathBuf>,
}

/// Those of the paths that are not here.
pub(super) fn absent(paths: &[PathBuf], interrupt: &Interrupt) -> Result<Vec<PathBuf>, String> {
    let mut absent = Vec::new();
    for some in paths.chunks(AT_ONCE) {
        let said = run(&["--check-validity", "--print-invalid"], some, QUERY, interrupt)?;
        absent.extend(said.lines().map(PathBuf::from));
    }
    Ok(absent)
}

/// Has Nix bring paths here, from wherever this machine's Nix takes them.
pub(super) fn realise(paths: &[PathBuf], interrupt: &Interrupt) -> Result<(), String> {
    for some in paths.chunks(AT_ONCE) {
        run(&["--realise", "--quiet"], some, FETCH, interrupt)?;
    }
    Ok(())
}

/// What Nix knows of paths that are here.
pub(super) fn known(paths: &[PathBuf], interrupt: &Interrupt) -> Result<BTreeMap<PathBuf, Known>, String> {
    let mut known = BTreeMap::new();
    for some in paths.chunks(AT_ONCE) {
        let dump = run(&["--dump-db"], some, QUERY, interrupt)?;
        let mut lines = dump.lines();
        while let Some(path) = lines.next() {
            let entry = entry(&mut lines)
                .ok_or_else(|| format!("nix-store says of {path} what is not understood"))?;
            known.insert(PathBuf::from(path), entry);
        }
    }
    Ok(known)
}

/// The lines of a path after its own: hash, size, deriver, number of references, and each of those.
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

/// The paths so that each comes after those that it refers to.
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

/// Writes a path's NAR, which has so many bytes.
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
        // It may be alive, and nobody reads it any more.
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

/// A command's output. It is ended where it takes too long, or where whoever deploys wants it no more.
fn run(
    options: &[&str],
    paths: &[PathBuf],
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("nix-store cannot be run: {error}");
    // Files hold any output, where a pipe would wait for a reader.
    let (mut output, mut errors) = (
        tempfile::tempfile().map_err(failed)?,
        tempfile::tempfile().map_err(failed)?,
    );
    let mut child = Command::new("nix-store")
        .args(options)
        .args(paths)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(failed)?)
        .stderr(errors.try_clone().map_err(failed)?)
        .spawn()
        .map_err(failed)?;
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if !interrupt.came() && Instant::now() < end => thread::sleep(LOOK),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("nix-store gave no answer within {} s", limit.as_secs()));
            }
        }
    };
    let text = |file: &mut File| {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    if status.success() {
        return text(&mut output).map_err(failed);
    }
    let said = text(&mut errors).map_err(failed)?;
    Err(match said.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => clean(line),
        None => format!("nix-store ended with {status}"),
    })
}
