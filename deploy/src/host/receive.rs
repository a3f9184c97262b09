//! Receives store paths. Each is kept aside until its content matches the signed one: the store sees nothing else.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Stdio};
use std::time::Duration;

use ring::digest::{Context, SHA256};
use rustix::fs::statvfs;

use super::names::StorePath;
use super::real;
use super::references::{Parts, Scan};
use super::serve::cause;
use crate::closure::{Closure, nar_hash};
use crate::program;
use crate::protocol::PathHeader;

/// The most bytes of all paths of a request.
pub const MOST: u64 = 16 * 1024 * 1024 * 1024;
/// The most bytes of a header's line, which names all references of a path.
const HEADER: u64 = 4 * 1024 * 1024;
/// The bytes that must remain free.
const RESERVE: u64 = 256 * 1024 * 1024;
/// The limit for the store to import the last path.
const LIMIT: Duration = Duration::from_secs(600);
/// The marker after each NAR in the format of `nix-store --export`.
const EXPORT: u64 = 0x4558_494e;

/// Receives paths until an empty line.
///
/// # Errors
///
/// Why a path was not accepted; those before it are in the store.
pub fn receive(
    input: &mut dyn BufRead,
    closure: &Closure,
    missing: BTreeSet<PathBuf>,
    spool: &Path,
) -> Result<(), String> {
    let mut check = Check {
        closure,
        parts: Parts::new(closure.0.keys().map(PathBuf::as_path)),
        missing,
        sent: BTreeSet::new(),
        left: MOST,
    };
    let mut import = Import::start()?;
    while let Some(header) = header(input)? {
        let path = check.header(&header)?;
        has_room(spool, &path, header.size)?;
        let mut nar = check.content(input, &path, &header, spool)?;
        import.give(&path, &header.references, &mut nar)?;
        check.missing.remove(path.path());
    }
    import.end()
}

/// Checks that a path leaves enough space for the rest of the machine.
fn has_room(spool: &Path, path: &StorePath, size: u64) -> Result<(), String> {
    let there = statvfs(spool).map_err(|error| format!("the free space is not known: {error}"))?;
    let free = there.f_bavail.saturating_mul(there.f_frsize);
    if size.saturating_add(RESERVE) <= free {
        return Ok(());
    }
    Err(format!(
        "{path} has no space here: it has {size} bytes, {RESERVE} stay free, and {free} are"
    ))
}

fn header(input: &mut dyn BufRead) -> Result<Option<PathHeader>, String> {
    let mut line = Vec::new();
    input
        .take(HEADER)
        .read_until(b'\n', &mut line)
        .map_err(|error| format!("the paths cannot be read: {}", cause(&error)))?;
    match line.split_last() {
        Some((b'\n', [])) => Ok(None),
        Some((b'\n', line)) => serde_json::from_slice(line)
            .map(Some)
            .map_err(|error| format!("malformed header of a path: {error}")),
        _ if line.len() as u64 == HEADER => Err(format!(
            "the header of a path is too long: expected at most {HEADER} bytes"
        )),
        _ => Err("the paths end without an empty line: they are incomplete".to_owned()),
    }
}

struct Check<'a> {
    closure: &'a Closure,
    parts: Parts<'a>,
    missing: BTreeSet<PathBuf>,
    sent: BTreeSet<PathBuf>,
    left: u64,
}

impl Check<'_> {
    /// The checks that are possible before the bytes arrive. References are not signed: they are compared with the
    /// signed content.
    fn header(&mut self, header: &PathHeader) -> Result<StorePath, String> {
        let path = StorePath::from_path(&header.path).map_err(|error| error.to_string())?;
        if !self.closure.0.contains_key(path.path()) {
            return Err(format!("{path} is not a path of this release"));
        }
        if !self.sent.insert(header.path.clone()) {
            return Err(format!("{path} was sent twice"));
        }
        for reference in &header.references {
            let name = reference.display();
            if !self.closure.0.contains_key(reference) {
                return Err(format!(
                    "{path} refers to {}, which is not a path of this release",
                    name.to_string().escape_debug()
                ));
            }
            if self.missing.contains(reference) && *reference != header.path {
                return Err(format!("{path} was sent before {name}, which it refers to"));
            }
        }
        self.left = self
            .left
            .checked_sub(header.size)
            .ok_or_else(|| format!("{path} has too many bytes: all paths together may have {MOST}"))?;
        Ok(path)
    }

    /// The path's NAR, once it matches the signed one.
    fn content(
        &self,
        input: &mut dyn BufRead,
        path: &StorePath,
        header: &PathHeader,
        spool: &Path,
    ) -> Result<File, String> {
        let not_kept = |error: io::Error| format!("{path} cannot be kept: {error}");
        let mut file = tempfile::tempfile_in(spool).map_err(not_kept)?;
        let PathHeader { size, references, .. } = header;
        let (mut digest, mut left) = (Context::new(&SHA256), *size);
        let mut scan = Scan::new(&self.parts);
        while left > 0 {
            let buffer = input
                .fill_buf()
                .map_err(|error| format!("{path} cannot be read: {}", cause(&error)))?;
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let some = buffer.get(..most).unwrap_or(buffer);
            if some.is_empty() {
                return Err(format!(
                    "{path} is incomplete: {left} of {size} bytes are missing"
                ));
            }
            digest.update(some);
            scan.update(some);
            file.write_all(some).map_err(not_kept)?;
            let length = some.len();
            input.consume(length);
            left = left.saturating_sub(length as u64);
        }
        let hash = nar_hash(digest.finish().as_ref());
        match self.closure.0.get(path.path()) {
            Some(signed) if *signed == hash => {}
            signed => {
                return Err(format!(
                    "{path} is altered: its content is {hash}, and {} was signed",
                    signed.map_or("none", String::as_str)
                ));
            }
        }
        let (said, found) = (references.iter().cloned().collect(), scan.found());
        if let Some(reference) = found.symmetric_difference(&said).next() {
            return Err(if said.contains(reference) {
                format!(
                    "{path} does not refer to {}, as its header says: its content does not name it",
                    reference.display()
                )
            } else {
                format!(
                    "{path} refers to {}, which its content names and its header does not",
                    reference.display()
                )
            });
        }
        file.rewind().map_err(not_kept)?;
        Ok(file)
    }
}

/// `nix-store --import`, which accepts one path after another.
struct Import {
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
}

impl Import {
    fn start() -> Result<Self, String> {
        let mut command = process::Command::new("nix-store");
        let mut child = real::environment(&mut command)
            .arg("--import")
            .process_group(0)
            .stdin(Stdio::piped())
            // It lists the paths.
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("nix-store --import cannot be run: {error}"))?;
        let input = child.stdin.take().map(BufWriter::new);
        Ok(Self { child, input })
    }

    fn give(&mut self, path: &StorePath, references: &[PathBuf], nar: &mut File) -> Result<(), String> {
        let Some(input) = &mut self.input else {
            return Err("nix-store --import accepts no input".to_owned());
        };
        write(input, path, references, nar)
            .and_then(|()| input.flush())
            .map_err(|error| format!("the store does not accept {path}: {error}"))
    }

    fn end(mut self) -> Result<(), String> {
        let ended = self.input.take().map_or(Ok(()), |mut input| {
            number(&mut input, 0).and_then(|()| input.flush())
        });
        let status = program::wait(&mut self.child, LIMIT, || true).map_err(|error| error.to_string())?;
        match (ended, status) {
            (Ok(()), Some(status)) if status.success() => Ok(()),
            (_, Some(status)) => Err(format!(
                "the store did not accept the paths: nix-store --import ended with {status}"
            )),
            (_, None) => Err(format!(
                "the store did not accept the paths within {} s",
                LIMIT.as_secs()
            )),
        }
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        program::kill(&mut self.child);
    }
}

fn write(
    output: &mut impl Write,
    path: &StorePath,
    references: &[PathBuf],
    nar: &mut File,
) -> io::Result<()> {
    number(output, 1)?;
    io::copy(nar, output)?;
    number(output, EXPORT)?;
    string(output, path.as_str())?;
    number(output, references.len() as u64)?;
    for reference in references {
        string(output, &reference.to_string_lossy())?;
    }
    // No deriver, and no signature.
    string(output, "")?;
    number(output, 0)
}

fn number(output: &mut impl Write, number: u64) -> io::Result<()> {
    output.write_all(&number.to_le_bytes())
}

/// Writes a text's length, and its bytes padded to a multiple of eight.
fn string(output: &mut impl Write, text: &str) -> io::Result<()> {
    number(output, text.len() as u64)?;
    output.write_all(text.as_bytes())?;
    output.write_all([0; 8].get(..text.len().wrapping_neg() % 8).unwrap_or_default())
}
