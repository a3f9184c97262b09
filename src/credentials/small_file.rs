//! Files that hold a credential or a token: small, and never waited for.

use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tokio::sync::Semaphore;

/// The largest file, in bytes. Google's are under 3 KiB, a token has one or two.
const MAX_BYTES: u64 = 64 * 1024;

/// One thread reads at a time: on a share that is gone, each try would leave one behind otherwise.
static READER: Semaphore = Semaphore::const_new(1);

/// Why a small file could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("is not a regular file")]
    Irregular,
    #[error("has more than 64 KiB")]
    TooLarge,
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads a regular file, or what a symbolic link to one leads to.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let file = std::fs::File::options()
        .read(true)
        // Opening a pipe would wait for its writer, and a terminal would become ours.
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Unreadable::Irregular);
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    Ok(bytes)
}

/// Does what reads a file on a thread for such work; none if that failed.
pub(super) async fn aside<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(PathBuf) -> T + Send + 'static,
) -> Option<T> {
    let path = path.to_owned();
    let turn = READER.acquire().await.ok()?;
    let read = tokio::task::spawn_blocking(move || {
        let done = work(path);
        drop(turn);
        done
    });
    read.await.ok()
}
