//! The end of the work is the end of the run.

use std::io;
use std::time::{Duration, Instant};

use wordtally::runtime::run;

/// A thread that hangs, as one does that looks up a name while the name servers are away.
#[test]
fn a_thread_that_hangs_does_not_hold_up_the_end() {
    for threads in [1, 2] {
        let begun = Instant::now();
        let ended = run(threads, async {
            let (started, running) = tokio::sync::oneshot::channel();
            tokio::task::spawn_blocking(|| {
                let _ = started.send(());
                std::thread::sleep(Duration::from_secs(5));
            });
            running.await.map_err(io::Error::other)?;
            Ok(7)
        });
        assert_eq!(ended.ok(), Some(7));
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
}
