//! Runs asynchronous work to its end.

use std::io;

use tokio::runtime::Builder;

/// Runs the work on so many threads. What it leaves behind is dropped and not waited for: the look-up of a name, or a
/// file on a share that is gone, can keep a thread for minutes.
///
/// # Errors
///
/// The work's own, or the kernel's if it gives no threads.
pub fn run<T>(threads: usize, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = match threads {
        1 => Builder::new_current_thread().enable_all().build(),
        many => Builder::new_multi_thread()
            .worker_threads(many)
            .enable_all()
            .build(),
    }?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}
