//! Runs asynchronous work to completion.

use std::convert::Infallible;
use std::io;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// Runs the work on this many threads. Whatever it leaves running is dropped and not awaited: a name look-up, or a file
/// on a share that is gone, can block a thread for minutes.
///
/// # Errors
///
/// The error of the work, or the kernel's if it cannot start a thread.
pub fn run<T>(threads: usize, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = runtime(threads)?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}

/// Work on its own thread, which ends when this is dropped.
#[derive(Debug)]
pub struct Beside {
    _ends: oneshot::Sender<Infallible>,
}

/// Starts work on its own thread and runtime, so that a delay on one side does not affect the other.
///
/// # Errors
///
/// The kernel's, if it cannot start a thread.
pub fn beside(name: &str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<Beside> {
    let (ends, ended) = oneshot::channel();
    let runtime = runtime(1)?;
    thread::Builder::new().name(name.to_owned()).spawn(|| {
        runtime.block_on(async {
            tokio::select! {
                () = work => {}
                _ = ended => {}
            }
        });
        runtime.shutdown_background();
    })?;
    Ok(Beside { _ends: ends })
}

fn runtime(threads: usize) -> io::Result<Runtime> {
    match threads {
        1 => Builder::new_current_thread().enable_all().build(),
        many => Builder::new_multi_thread()
            .worker_threads(many)
            .enable_all()
            .build(),
    }
}
