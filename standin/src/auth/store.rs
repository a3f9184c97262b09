//! The state that must survive a restart: the signing secret and the revoked tokens.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::files;

const SECRET_BYTES: usize = 32;
/// With more revocations than this, every access token becomes invalid: no revoked one becomes valid again for want of
/// space.
const MAX_REVOKED: usize = 10_000;

/// Why the state directory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("cannot use the state file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The secret or the revocations were truncated or replaced.
    #[error(
        "the state file {0} is damaged: remove it and the secret, which makes every token issued so far invalid"
    )]
    Damaged(String),
    /// Users other than the owner have access to the secret or the revocations.
    #[error(
        "the state file {0} is accessible to others than its owner: set its mode to 0600, or remove the secret"
    )]
    Exposed(String),
    /// The system provides no random numbers.
    #[error("the system provides no random numbers")]
    Random,
}

/// Revoked tokens by digest, with the second from which they no longer matter.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revoked {
    /// Tokens of an older generation are invalid: all of them were revoked together.
    pub(super) generation: u64,
    tokens: BTreeMap<String, u64>,
}

impl Revoked {
    pub(super) fn contains(&self, token: &str) -> bool {
        self.tokens.contains_key(&digest(token))
    }

    pub(super) fn insert(&mut self, token: &str, until: u64, now: u64) {
        if self.tokens.len() >= MAX_REVOKED {
            self.tokens.retain(|_, end| *end >= now);
        }
        if self.tokens.len() >= MAX_REVOKED {
            self.generation += 1;
            // Refresh tokens have no generation; the IAM file bounds their number.
            self.tokens.retain(|_, end| *end == u64::MAX);
        }
        self.tokens.insert(digest(token), until);
    }
}

fn digest(token: &str) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref())
}

/// The state directory, or memory only.
#[derive(Debug)]
pub(super) struct Store(Option<PathBuf>);

impl Store {
    /// Opens the directory, and creates it with mode 0700 if it is missing.
    pub(super) fn open(directory: Option<&Path>) -> Result<Self, StoreError> {
        if let Some(path) = directory {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|source| StoreError::File {
                path: path.display().to_string(),
                source,
            })?;
        }
        Ok(Self(directory.map(Path::to_owned)))
    }

    /// The signing secret, created at the first start.
    pub(super) fn secret(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.0.as_ref().map(|directory| directory.join("secret"));
        if let Some(known) = path.as_deref().map(read).transpose()?.flatten() {
            return match known.len() {
                SECRET_BYTES => Ok(known),
                _ => Err(StoreError::Damaged(
                    path.unwrap_or_default().display().to_string(),
                )),
            };
        }
        let mut secret = vec![0; SECRET_BYTES];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| StoreError::Random)?;
        if let Some(path) = path {
            replace(&path, &secret)?;
        }
        Ok(secret)
    }

    /// The saved revocations.
    pub(super) fn revoked(&self) -> Result<Revoked, StoreError> {
        let Some(path) = self.0.as_ref().map(|directory| directory.join("revoked.json")) else {
            return Ok(Revoked::default());
        };
        match read(&path)? {
            Some(text) => {
                serde_json::from_slice(&text).map_err(|_| StoreError::Damaged(path.display().to_string()))
            }
            None => Ok(Revoked::default()),
        }
    }

    /// Saves the revocations.
    pub(super) fn keep(&self, revoked: &Revoked) -> Result<(), StoreError> {
        let Some(directory) = &self.0 else { return Ok(()) };
        let path = directory.join("revoked.json");
        let text = serde_json::to_vec(revoked).map_err(|source| StoreError::File {
            path: path.display().to_string(),
            source: source.into(),
        })?;
        replace(&path, &text)
    }
}

/// The content of a file; none if it does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let name = || path.display().to_string();
    let content = fs::metadata(path).and_then(|about| Ok((about.permissions().mode(), fs::read(path)?)));
    match content {
        Ok((mode, _)) if mode & 0o077 != 0 => Err(StoreError::Exposed(name())),
        Ok((_, bytes)) => Ok(Some(bytes)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::File { path: name(), source }),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    files::replace_private(path, bytes).map_err(|source| StoreError::File {
        path: path.display().to_string(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::{MAX_REVOKED, Revoked};

    #[test]
    fn too_many_revocations_void_every_token_and_free_none() {
        let mut revoked = Revoked::default();
        revoked.insert("refresh", u64::MAX, 0);
        for number in 1..MAX_REVOKED {
            revoked.insert(&number.to_string(), 100, 0);
        }
        assert_eq!(revoked.generation, 0);
        assert!(revoked.contains("1"));
        revoked.insert("last", 100, 0);
        assert_eq!(revoked.generation, 1, "every token given so far is void");
        assert!(revoked.contains("refresh") && revoked.contains("last"));
        assert!(revoked.tokens.len() < 10);
    }

    #[test]
    fn expired_revocations_make_room() {
        let mut revoked = Revoked::default();
        for number in 0..MAX_REVOKED {
            revoked.insert(&number.to_string(), 100, 0);
        }
        revoked.insert("later", 300, 200);
        assert_eq!((revoked.generation, revoked.tokens.len()), (0, 1));
    }
}
