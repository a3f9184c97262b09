//! A deployment's view of its machine: commands, files, clock and the words themselves.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::page::{ByCorpus, Wrong};
use crate::program::last_line;

/// The limit of one query of all words.
pub const ROUND: Duration = Duration::from_secs(32);

/// A command of another program, with a time limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A name on the PATH, or a path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The limit after which it is killed.
    pub limit: Duration,
    /// A file to which all of its output is appended; if none, its output is returned.
    pub log: Option<PathBuf>,
}

impl Command {
    /// A command without arguments.
    #[must_use]
    pub fn new(program: impl AsRef<Path>, limit: Duration) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            limit,
            log: None,
        }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// With its output in a file.
    #[must_use]
    pub fn log(mut self, log: &Path) -> Self {
        self.log = Some(log.to_owned());
        self
    }

    /// Its name for people: the program and the first argument.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self
            .program
            .file_name()
            .unwrap_or(self.program.as_os_str())
            .to_string_lossy()
            .into_owned();
        match self.arguments.first() {
            Some(first) => format!("{name} {}", first.to_string_lossy()),
            None => name,
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status; none if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output, unless that went to a log.
    pub output: Vec<u8>,
    /// Its standard error, unless that went to a log.
    pub errors: String,
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandFailed {
    /// It was not started.
    #[error("{name} cannot be run: {why}")]
    NotRun {
        /// The command.
        name: String,
        /// The machine's error.
        why: String,
    },
    /// It took too long.
    #[error("{name} took longer than {} s", limit.as_secs())]
    TooLong {
        /// The command.
        name: String,
        /// Its limit.
        limit: Duration,
    },
    /// Its exit status was not 0.
    #[error("{name} ended with {}{}", Code(*code), Said(said))]
    Status {
        /// The command.
        name: String,
        /// Its exit status; none if a signal ended it.
        code: Option<i32>,
        /// The last line of its standard error.
        said: String,
    },
}

struct Code(Option<i32>);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, "{code}"),
            None => f.write_str("a signal"),
        }
    }
}

struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.0)
        }
    }
}

/// A lock on a file, until it is dropped or its process ends.
#[derive(Debug, Default)]
pub struct Locked {
    _file: Option<File>,
}

impl From<File> for Locked {
    fn from(file: File) -> Self {
        Self { _file: Some(file) }
    }
}

/// The machine. Its file functions take paths as on the host.
pub trait World {
    /// Runs a command to completion.
    ///
    /// # Errors
    ///
    /// [`CommandFailed::NotRun`] or [`CommandFailed::TooLong`]: an exit status other than 0 is not an error here.
    fn run(&self, command: &Command) -> Result<Ended, CommandFailed>;

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Replaces a file that only root reads as a whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Replaces a file that everyone may read as a whole.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn publish(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Writes a file that must not exist yet.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn create(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Appends to a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn append(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Creates a folder that only root may enter, and its parents.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Removes a file, a link, or a folder with its content; it is not an error if it does not exist.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The sorted names in a folder; none if it does not exist.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Whether the path exists.
    fn exists(&self, path: &Path) -> bool;

    /// The target of a link, unresolved.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// Creates a link, and replaces an existing one.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn link(&self, target: &Path, path: &Path) -> io::Result<()>;

    /// When a file or link was created, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn made(&self, path: &Path) -> io::Result<u64>;

    /// A clock that only advances.
    fn clock(&self) -> Duration;

    /// Seconds since 1970.
    fn time(&self) -> u64;

    /// Waits.
    fn sleep(&self, time: Duration);

    /// Asks words whether they are ready, all at the same time; returns what each says otherwise, by instance. The
    /// words are given with their listening addresses.
    fn readiness(&self, words: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>>;

    /// The counts on words' pages, by corpus: all are requested at the same time. Words for which there was no time are
    /// left out.
    fn counts(&self, words: &BTreeMap<String, String>) -> BTreeMap<String, Result<ByCorpus, Wrong>>;

    /// Locks a file, which is created if it does not exist; waits at most this long for another process that holds the
    /// lock.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if another process still holds it, or those of the file system.
    fn lock(&self, path: &Path, limit: Duration) -> io::Result<Locked>;

    /// Whether a system is being activated, or dry-run: a second one would fail at once.
    fn is_switching(&self) -> bool;
}

/// Runs a command that must exit with 0, and returns its output.
///
/// # Errors
///
/// How it failed.
pub fn done(world: &dyn World, command: &Command) -> Result<Vec<u8>, CommandFailed> {
    let ended = world.run(command)?;
    if ended.code == Some(0) {
        return Ok(ended.output);
    }
    Err(CommandFailed::Status {
        name: command.name(),
        code: ended.code,
        said: last_line(&ended.errors).unwrap_or_default().to_owned(),
    })
}

/// [`done`] for a command whose output is text.
///
/// # Errors
///
/// How it failed.
pub fn text(world: &dyn World, command: &Command) -> Result<String, CommandFailed> {
    Ok(String::from_utf8_lossy(&done(world, command)?).into_owned())
}

/// Follows a link, and further links, to something that is not a link.
///
/// # Errors
///
/// Those of the file system; also a loop of links.
pub fn resolve(world: &dyn World, path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..16 {
        match world.read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("{} leads around", path.display())))
}
