//! A digest of everything that a store path needs. docs/reference/release.md defines it, so that anyone can compute it
//! manually.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ring::digest::{SHA256, digest};

/// The digits of Nix's base 32: all but e, o, t and u.
const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// Paths of one command: its arguments have a limit.
pub(crate) const AT_A_TIME: usize = 500;

/// The paths of a closure, each with the hash of its NAR as Nix writes it (`sha256:…`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure(pub BTreeMap<PathBuf, String>);

/// Why lines are not those of a closure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A malformed line.
    #[error("line {0} of the closure is malformed: expected `/nix/store/HASH-NAME sha256:HASH`")]
    Line(usize),
    /// The last line has no line end.
    #[error("line {0} of the closure has no line end: the list was truncated")]
    CutOff(usize),
    /// Lines that are not sorted.
    #[error("line {0} of the closure is out of order: expected sorted lines, as `LC_ALL=C sort` writes them")]
    Unsorted(usize),
    /// A repeated path.
    #[error("line {0} of the closure names a path again: expected each path once")]
    Repeated(usize),
    /// The numbers of hashes and paths differ.
    #[error("the store returned {hashes} hashes for {paths} paths: expected one for each")]
    Uneven {
        /// The number of paths.
        paths: usize,
        /// The number of hashes.
        hashes: usize,
    },
}

/// For what tells its errors in words.
impl From<Malformed> for String {
    fn from(malformed: Malformed) -> Self {
        malformed.to_string()
    }
}

impl Closure {
    /// Reads exactly what [`Self::lines`] writes: one closure has one text, and so one digest.
    ///
    /// # Errors
    ///
    /// The first line that is malformed, out of order, or repeats a path.
    pub fn parse(lines: &str) -> Result<Self, Malformed> {
        let mut paths = BTreeMap::new();
        let mut last = "";
        for (line, number) in lines.split_inclusive('\n').zip(1..) {
            let line = line.strip_suffix('\n').ok_or(Malformed::CutOff(number))?;
            let (path, hash) = line.split_once(' ').ok_or(Malformed::Line(number))?;
            if !is_store_path(path) || !is_hash(hash) {
                return Err(Malformed::Line(number));
            }
            if paths.insert(PathBuf::from(path), hash.to_owned()).is_some() {
                return Err(Malformed::Repeated(number));
            }
            if line < last {
                return Err(Malformed::Unsorted(number));
            }
            last = line;
        }
        Ok(Self(paths))
    }

    /// The closure of a path that is in a store, with the hashes that were computed when each path came into it. `query`
    /// gives the output of `nix-store --query OPTION PATHS`.
    ///
    /// # Errors
    ///
    /// Those of `query`, and those of [`Self::from_queries`].
    pub fn in_store<E: From<Malformed>>(
        path: &str,
        query: impl Fn(&str, &[&str]) -> Result<String, E>,
    ) -> Result<Self, E> {
        let paths = query("--requisites", &[path])?;
        let mut hashes = String::new();
        for some in paths.lines().collect::<Vec<_>>().chunks(AT_A_TIME) {
            hashes += &query("--hash", some)?;
        }
        Ok(Self::from_queries(&paths, &hashes)?)
    }

    /// The closure from the output of `nix-store --query --requisites PATH`, and of `nix-store --query --hash` for
    /// these paths.
    ///
    /// # Errors
    ///
    /// A malformed line, a repeated path, or different numbers of hashes and paths.
    pub fn from_queries(paths: &str, hashes: &str) -> Result<Self, Malformed> {
        let uneven = Malformed::Uneven {
            paths: paths.lines().count(),
            hashes: hashes.lines().count(),
        };
        if matches!(uneven, Malformed::Uneven { paths, hashes } if paths != hashes) {
            return Err(uneven);
        }
        let mut closure = BTreeMap::new();
        for ((path, hash), number) in paths.lines().zip(hashes.lines()).zip(1..) {
            if !is_store_path(path) || !is_hash(hash) {
                return Err(Malformed::Line(number));
            }
            if closure.insert(PathBuf::from(path), hash.to_owned()).is_some() {
                return Err(Malformed::Repeated(number));
            }
        }
        Ok(Self(closure))
    }

    /// Its sorted lines `PATH HASH`, each with a line end.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines: Vec<_> = self
            .0
            .iter()
            .map(|(path, hash)| format!("{} {hash}\n", path.display()))
            .collect();
        // By the bytes of the whole line, as `sort` does in the C locale.
        lines.sort_unstable();
        lines.concat()
    }

    /// SHA-256 of these lines, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(self.lines().as_bytes())
    }
}

/// Whether it is the path of an object directly in the store, in Nix's form: such a path has no `..` and no space.
#[must_use]
pub fn is_store_path(path: &str) -> bool {
    path.strip_prefix("/nix/store/")
        .and_then(|object| object.split_at_checked(32))
        .is_some_and(|(hash, name)| {
            name.len() > 1
                && name.len() <= 212
                && name.starts_with('-')
                && hash.bytes().all(|digit| DIGITS.contains(&digit))
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte))
        })
}

fn is_hash(hash: &str) -> bool {
    hash.strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == 52 && digits.bytes().all(|digit| DIGITS.contains(&digit)))
}

/// Whether it is a SHA-256 in Nix's form for the hash of a NAR: `sha256:` and 52 digits of 5 bits, the last bits first.
#[must_use]
pub fn nar_hash(sha256: &[u8]) -> String {
    let bit = |at: usize| sha256.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let digits = (8 * sha256.len()).div_ceil(5);
    (0..digits)
        .rev()
        .filter_map(|digit| {
            let value = (0..5)
                .map(|at| usize::from(bit(5 * digit + at)) << at)
                .sum::<usize>();
            DIGITS.get(value).copied().map(char::from)
        })
        .fold("sha256:".to_owned(), |mut text, digit| {
            text.push(digit);
            text
        })
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
