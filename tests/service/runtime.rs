//! The run ends when the work ends, and work on another thread does not delay it.

use std::io;
use std::time::{Duration, Instant};

use wordtally::runtime::{beside, run};

/// A thread that hangs, like one that looks up a name while the name servers are down.
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

#[test]
fn work_beside_goes_on_while_this_side_hangs_and_ends_with_its_handle() {
    let (count, counted) = std::sync::mpsc::channel();
    let ticks = async move {
        while count.send(()).is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let running = beside("ticks", ticks).expect("a thread");
    let ended = run(1, async {
        // Blocks the runtime's only thread.
        std::thread::sleep(Duration::from_millis(300));
        Ok(counted.try_iter().count())
    });
    assert!(ended.expect("an end") > 10);
    drop(running);
    while counted.recv_timeout(Duration::from_secs(4)).is_ok() {}
    assert_eq!(
        counted.try_recv(),
        Err(std::sync::mpsc::TryRecvError::Disconnected)
    );
}
