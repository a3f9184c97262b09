//! Small files, such as a token, that the service reads while it serves without blocking it.

use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use tokio::sync::Semaphore;

/// Reads files on a separate thread, one at a time: on a share that is gone, each attempt would otherwise leave a
/// thread behind. Each user has its own reader, so that a hanging share holds up nobody else.
#[derive(Debug, Clone)]
pub(crate) struct Reader(Arc<Semaphore>);

/// Why a small file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("is not a regular file")]
    Irregular,
    #[error("has more than {} KiB", .0 / 1024)]
    TooLarge(u64),
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads a regular file of at most this many bytes, or the one that a symbolic link leads to.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    let file = std::fs::File::options()
        .read(true)
        // Otherwise opening a pipe would wait for its writer, and a terminal would become our controlling terminal.
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Unreadable::Irregular);
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Unreadable::TooLarge(most));
    }
    Ok(bytes)
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Runs the reading function; none if it failed. A share may hang: the caller sets the time limit.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        path: &Path,
        work: impl FnOnce(PathBuf) -> T + Send + 'static,
    ) -> Option<T> {
        let path = path.to_owned();
        let turn = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let read = tokio::task::spawn_blocking(move || {
            let done = work(path);
            drop(turn);
            done
        });
        read.await.ok()
    }
}
