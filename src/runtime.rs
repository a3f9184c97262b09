//! Runs asynchronous work to its end.

use std::convert::Infallible;
use std::io;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// Runs the work on so many threads. What it leaves behind is dropped and not waited for: the look-up of a name, or a
/// file on a share that is gone, can keep a thread for minutes.
///
/// # Errors
///
/// The work's own, or the kernel's if it gives no threads.
pub fn run<T>(threads: usize, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = runtime(threads)?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}

/// Work on a thread of its own, which ends when this is dropped.
#[derive(Debug)]
pub struct Beside {
    _ends: oneshot::Sender<Infallible>,
}

/// Starts work on a thread and a runtime of its own, so that nothing which holds up one side is felt on the other.
///
/// # Errors
///
/// The kernel's, if it gives no thread.
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
