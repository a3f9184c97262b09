//! A name for all that a store path needs: docs/reference/release.md defines it, so that anybody can compute it by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ring::digest::{SHA256, digest};

/// The paths of a closure, each with the hash of its NAR as Nix writes it (`sha256:…`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure(pub BTreeMap<PathBuf, String>);

impl Closure {
    /// Its sorted lines `PATH HASH`, each with its end.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines: Vec<_> = self
            .0
            .iter()
            .map(|(path, hash)| format!("{} {hash}\n", path.display()))
            .collect();
        // By the bytes of the whole line, as `sort` of the C locale does.
        lines.sort_unstable();
        lines.concat()
    }

    /// SHA-256 of these lines, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(digest(&SHA256, self.lines().as_bytes()).as_ref())
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // A string takes all that is written.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
