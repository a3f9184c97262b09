use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// The most bytes that wait to be written.
const MOST_BYTES: usize = 256 * 1024;
/// The longest line, in bytes.
const MOST_LINE: usize = 16 * 1024;
/// The capacity that a buffer keeps after it was written.
const KEPT_BYTES: usize = 4096;
/// The stack of the writing thread, which only calls `write` and formats one kind of line.
const STACK: usize = 64 * 1024;

/// One for the process, because it has one standard error.
static SINK: Sink = Sink {
    queue: Mutex::new(Queue {
        bytes: Vec::new(),
        lines: 0,
        dropped: 0,
        writing: false,
    }),
    filled: Condvar::new(),
    written: Condvar::new(),
    dropped: AtomicU64::new(0),
};

/// Lines on their way to standard error. Logging never waits for the reader: a line for which there is no room is
/// dropped and counted.
struct Sink {
    queue: Mutex<Queue>,
    filled: Condvar,
    written: Condvar,
    dropped: AtomicU64,
}

struct Queue {
    bytes: Vec<u8>,
    lines: u64,
    /// Lines that were dropped since the last log line about it.
    dropped: u64,
    /// Whether lines were taken out and are not yet written.
    writing: bool,
}

/// Starts the writing thread, once.
pub(super) fn start() -> io::Result<()> {
    static STARTED: OnceLock<Result<(), io::ErrorKind>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let thread = thread::Builder::new().name("log".to_owned()).stack_size(STACK);
        match thread.spawn(|| SINK.write()) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.kind()),
        }
    });
    started.map_err(io::Error::from)
}

/// Takes one line. It never waits for the reader.
pub(super) fn push(line: &str) {
    SINK.push(line);
}

/// Waits until every line is written, or until the limit.
pub(super) fn flush(limit: Duration) {
    let queue = SINK.lock();
    let unwritten = |queue: &mut Queue| queue.writing || !queue.bytes.is_empty();
    // Both outcomes are fine: a reader that stalls must not hold up the process.
    drop(SINK.written.wait_timeout_while(queue, limit, unwritten));
}

/// How many lines were dropped since the start.
pub(super) fn dropped() -> u64 {
    SINK.dropped.load(Ordering::Relaxed)
}

impl Sink {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &str) {
        let mut queue = self.lock();
        if line.len() > MOST_LINE || queue.bytes.len() + line.len() > MOST_BYTES {
            queue.dropped += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if queue.bytes.is_empty() {
            self.filled.notify_one();
        }
        queue.bytes.extend_from_slice(line.as_bytes());
        queue.lines += 1;
    }

    /// Writes lines as they arrive, for ever.
    fn write(&self) {
        let mut batch = Vec::new();
        loop {
            let (lines, dropped) = self.take(&mut batch);
            match io::stderr().write_all(&batch) {
                Ok(()) if dropped > 0 => tracing::warn!(lines = dropped, "log lines were dropped"),
                Ok(()) => {}
                Err(_) => drop(self.dropped.fetch_add(lines, Ordering::Relaxed)),
            }
            batch.clear();
            batch.shrink_to(KEPT_BYTES);
        }
    }

    /// Waits for lines and takes them all. Returns how many there are, and how many were dropped before.
    fn take(&self, batch: &mut Vec<u8>) -> (u64, u64) {
        let mut queue = self.lock();
        queue.writing = false;
        self.written.notify_all();
        while queue.bytes.is_empty() {
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut queue.bytes, batch);
        queue.writing = true;
        (
            std::mem::take(&mut queue.lines),
            std::mem::take(&mut queue.dropped),
        )
    }
}
