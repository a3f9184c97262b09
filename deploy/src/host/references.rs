//! Finds the paths that a NAR refers to, as Nix itself does: by the 32 digits at the beginning of each path's name.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The number of digits at the beginning of a path's name.
const PART: usize = 32;

/// Paths by these digits.
#[derive(Debug)]
pub struct Parts<'a>(HashMap<&'a [u8], &'a Path>);

impl<'a> Parts<'a> {
    /// Of these store paths.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let part = |path: &'a Path| Some((path.file_name()?.as_encoded_bytes().get(..PART)?, path));
        Self(paths.into_iter().filter_map(part).collect())
    }
}

/// Searches a NAR that arrives in pieces.
#[derive(Debug)]
pub struct Scan<'a> {
    parts: &'a Parts<'a>,
    /// The end of the data so far, which may be the beginning of such digits.
    seen: Vec<u8>,
    found: BTreeSet<PathBuf>,
}

impl<'a> Scan<'a> {
    /// A search for these paths.
    #[must_use]
    pub fn new(parts: &'a Parts<'a>) -> Self {
        Self {
            parts,
            seen: Vec::new(),
            found: BTreeSet::new(),
        }
    }

    /// Searches the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.seen.extend_from_slice(piece);
        let mut digits = 0;
        for (end, byte) in (1..).zip(&self.seen) {
            digits = if is_digit(*byte) { digits + 1 } else { 0 };
            if digits >= PART
                && let Some(part) = self.seen.get(end - PART..end)
                && let Some(path) = self.parts.0.get(part)
            {
                self.found.insert((*path).to_owned());
            }
        }
        self.seen.drain(..self.seen.len().saturating_sub(PART - 1));
    }

    /// The paths that were found.
    #[must_use]
    pub fn found(self) -> BTreeSet<PathBuf> {
        self.found
    }
}

/// Whether it is a digit of Nix's base 32.
fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'd' | b'f'..=b'n' | b'p'..=b's' | b'v'..=b'z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_wherever_pieces_are_cut_and_nothing_else_is() {
        let (one, other) = (
            Path::new("/nix/store/0123456789abcdfghijklmnpqrsvwxyz-one"),
            Path::new("/nix/store/1123456789abcdfghijklmnpqrsvwxyz-other"),
        );
        let nar =
            b"a longer run of 00123456789abcdfghijklmnpqrsvwxyz1, 1123456789abcdfghijklmnpqrsvwxy and e";
        let parts = Parts::new([one, other]);
        for size in 1..=nar.len() {
            let mut scan = Scan::new(&parts);
            for piece in nar.chunks(size) {
                scan.update(piece);
            }
            assert_eq!(scan.found(), BTreeSet::from([one.to_owned()]), "{size}");
        }
    }
}
