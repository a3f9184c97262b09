//! The real machine.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::places::SWITCHING;
use super::world::{Command, CommandFailed, Ended, Locked, ROUND, World};
use crate::page::{self, ByCorpus, Wrong};
use crate::program::{self, NotEnded};

/// The most bytes that are read of a file.
const MOST: u64 = 64 * 1024 * 1024;
/// How long one query of a word may take.
const ANSWER: Duration = Duration::from_secs(8);
/// Words that are asked at the same time: 110 that hang take two rounds, and a request for the status waits for 20 s.
const AT_A_TIME: usize = 64;

/// The machine, or in tests a folder that represents it.
#[derive(Debug, Clone)]
pub struct Real {
    root: PathBuf,
    begun: Instant,
}

impl Real {
    /// The machine whose root is this folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            begun: Instant::now(),
        }
    }

    /// The path on this machine.
    #[must_use]
    pub fn at(&self, path: &Path) -> PathBuf {
        path.strip_prefix("/")
            .map_or_else(|_| path.to_owned(), |below| self.root.join(below))
    }

    /// The path of the program to execute.
    fn program(&self, program: &Path) -> PathBuf {
        if program.is_absolute() {
            self.at(program)
        } else {
            program.to_owned()
        }
    }

    /// A temporary file beside the one that it becomes. It has a fixed name, so that a killed process leaves at most
    /// one.
    fn beside(&self, path: &Path) -> PathBuf {
        let path = self.at(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.with_file_name(format!(".{name}.new"))
    }
}

/// The additional environment of each external command.
pub fn environment(command: &mut process::Command) -> &mut process::Command {
    command
        // Otherwise a switch complains on every line if a unit's locale is not installed.
        .env("LC_ALL", "C.UTF-8")
        .env("NO_COLOR", "1")
}

impl World for Real {
    fn run(&self, command: &Command) -> Result<Ended, CommandFailed> {
        let mut process = process::Command::new(self.program(&command.program));
        environment(&mut process)
            .args(&command.arguments)
            .process_group(0);
        let limit = command.limit;
        let ended = match &command.log {
            Some(log) => {
                // A log that cannot be written does not stop anything: the output then goes where this process's goes,
                // to the journal.
                if let Ok((output, errors)) =
                    append(&self.at(log)).and_then(|log| Ok((log.try_clone()?, log)))
                {
                    process.stdout(output).stderr(errors);
                }
                program::run(&mut process, b"", limit, || true)
            }
            None => program::output(&mut process, b"", limit, || true),
        };
        let name = command.name();
        match ended {
            Ok(ended) => Ok(Ended {
                code: ended
                    .status
                    .code()
                    .or_else(|| ended.status.signal().map(|signal| 128 + signal)),
                output: ended.output,
                errors: ended.errors,
            }),
            Err(NotEnded::NotRun(error)) => Err(CommandFailed::NotRun {
                name,
                why: error.to_string(),
            }),
            Err(NotEnded::Killed) => Err(CommandFailed::TooLong { name, limit }),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        File::open(self.at(path))?.take(MOST).read_to_end(&mut content)?;
        Ok(content)
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.replace(path, content, 0o600)
    }

    fn publish(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.replace(path, content, 0o644)
    }

    fn create(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.at(path))?
            .write_all(content)
    }

    fn append(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        append(&self.at(path))?.write_all(content)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.at(path))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = self.at(path);
        let removed = match fs::symlink_metadata(&path) {
            Ok(what) if what.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.at(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        fs::symlink_metadata(self.at(path)).is_ok()
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(self.at(path))
    }

    fn link(&self, target: &Path, path: &Path) -> io::Result<()> {
        let new = self.beside(path);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => symlink(target, &new)?,
        }
        fs::rename(new, self.at(path))
    }

    fn made(&self, path: &Path) -> io::Result<u64> {
        let made = fs::symlink_metadata(self.at(path))?.modified()?;
        Ok(made.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }

    fn clock(&self) -> Duration {
        self.begun.elapsed()
    }

    fn time(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }

    fn readiness(&self, words: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
        let mut said = self.ask(words, |_, listen| {
            page::readiness(listen, ANSWER).err().map(|why| why.to_string())
        });
        for word in words.keys() {
            said.entry(word.clone())
                .or_insert_with(|| Some("it was not checked: the others took too long".to_owned()));
        }
        said
    }

    fn counts(&self, words: &BTreeMap<String, String>) -> BTreeMap<String, Result<ByCorpus, Wrong>> {
        self.ask(words, |word, listen| page::counts(word, listen, ANSWER))
    }

    fn lock(&self, path: &Path, limit: Duration) -> io::Result<Locked> {
        let file = append(&self.at(path))?;
        let begun = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file.into()),
                Err(Errno::WOULDBLOCK) if begun.elapsed() < limit => {
                    thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_switching(&self) -> bool {
        // If that cannot be determined, the activation itself will report it.
        File::open(self.at(Path::new(SWITCHING)))
            .is_ok_and(|file| flock(file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK))
    }
}

impl Real {
    /// The answers of words; words for which there was no time are left out.
    fn ask<T: Send>(
        &self,
        words: &BTreeMap<String, String>,
        question: impl Fn(&str, &str) -> T + Sync,
    ) -> BTreeMap<String, T> {
        let asked: Vec<_> = words.iter().collect();
        let (next, said) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let begun = Instant::now();
        thread::scope(|scope| {
            for _ in 0..AT_A_TIME.min(asked.len()) {
                scope.spawn(|| {
                    while begun.elapsed() + ANSWER < ROUND
                        && let Some((word, listen)) = asked.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let answer = question(word, &self.listen(listen));
                        said.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert((*word).clone(), answer);
                    }
                });
            }
        });
        said.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let new = self.beside(path);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&new)?;
        let written = file
            .write_all(content)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, self.at(path)));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    fn listen(&self, listen: &str) -> String {
        match listen.strip_prefix("unix:") {
            Some(path) => format!("unix:{}", self.at(Path::new(path)).display()),
            None => listen.to_owned(),
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}
