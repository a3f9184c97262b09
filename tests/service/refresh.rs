//! Freshness: when the source is asked, what is kept, and for how long. Time is paused, so that hours take no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use wordtally::answer::{Answer, Count, Moment};
use wordtally::bigquery::Error;
use wordtally::cache::{Cache, Lookup};
use wordtally::clock::Clock;
use wordtally::reason::Reason;
use wordtally::refresh::{Source, run};
use wordtally::runtime::beside;
use wordtally::telemetry::Metrics;

use crate::clock::{clock, suspend};

const TTL: Duration = Duration::from_secs(300);
const MAX_STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// A source that counts its calls and answers as the test wants.
struct Scripted {
    clock: Clock,
    calls: AtomicU32,
    takes: Duration,
    rows: usize,
    name: &'static str,
    script: Box<dyn Fn(u32) -> Result<(), Error> + Send + Sync>,
}

impl Scripted {
    fn new(script: impl Fn(u32) -> Result<(), Error> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            clock: clock(),
            calls: AtomicU32::new(0),
            takes: Duration::ZERO,
            rows: 1,
            name: "hamlet",
            script: Box::new(script),
        })
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Source for Scripted {
    async fn counts(&self) -> Result<Answer, Error> {
        let sent = Moment::by(self.clock);
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        sleep(self.takes).await;
        (self.script)(call)?;
        Ok(Answer {
            word: "the".parse().unwrap(),
            table: "p.d.t".parse().unwrap(),
            counts: vec![
                Count {
                    corpus: Some(self.name.into()),
                    total_words: 994,
                    corpus_words: 20_000,
                };
                self.rows
            ],
            other_cases: Vec::new(),
            sample_data: false,
            sent,
        })
    }
}

fn unavailable() -> Error {
    Error::new(Reason::Unavailable, "refused")
}

fn start(source: &Arc<Scripted>) -> Arc<Cache> {
    start_with_ttl(source, TTL)
}

fn start_with_ttl(source: &Arc<Scripted>, ttl: Duration) -> Arc<Cache> {
    start_with(source, ttl, &Arc::default())
}

fn start_with(source: &Arc<Scripted>, ttl: Duration, early: &Arc<Notify>) -> Arc<Cache> {
    let cache = Arc::new(Cache::by(source.clock, ttl, MAX_STALE));
    let metrics = Arc::new(Metrics::new(ttl));
    tokio::spawn(run(
        Arc::clone(source),
        Arc::clone(&cache),
        metrics,
        Arc::clone(early),
        None,
    ));
    cache
}

fn age(cache: &Cache) -> Duration {
    match cache.lookup() {
        Lookup::Found(_, age) => age,
        Lookup::Missing { .. } => panic!("no answer"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_job_per_ttl_over_a_day() {
    let source = Scripted::new(|_| Ok(()));
    let _cache = start(&source);
    sleep(Duration::from_secs(24 * 60 * 60)).await;
    let whole_ttls = 24 * 12;
    let calls = source.calls();
    assert!(
        calls >= whole_ttls,
        "{calls} calls: an answer would have outlived its TTL"
    );
    assert!(
        calls <= whole_ttls * 108 / 100,
        "{calls} calls: more than one a TTL, but for the lead"
    );
}

#[tokio::test(start_paused = true)]
async fn a_tiny_ttl_is_not_a_busy_loop() {
    let source = Scripted::new(|_| Ok(()));
    let _cache = start_with_ttl(&source, Duration::from_nanos(1));
    sleep(Duration::from_secs(10)).await;
    let calls = source.calls();
    assert!((90..=101).contains(&calls), "{calls} calls in 10 s");
}

#[tokio::test(start_paused = true)]
async fn the_longest_ttl_is_counted_right() {
    let year = Duration::from_secs(366 * 24 * 60 * 60);
    let source = Scripted::new(|_| Ok(()));
    let _cache = start_with_ttl(&source, year);
    sleep(year - Duration::from_secs(60)).await;
    assert_eq!(source.calls(), 1);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_replaced_before_its_ttl_ends() {
    let source = Scripted::new(|_| Ok(()));
    let cache = start(&source);
    cache.attempted(Duration::from_secs(1)).await;
    for _ in 0..1000 {
        sleep(Duration::from_secs(7)).await;
        assert!(age(&cache) <= TTL, "{:?}", age(&cache));
    }
}

#[tokio::test(start_paused = true)]
async fn the_age_counts_from_the_question() {
    let source = Arc::new(Scripted {
        clock: clock(),
        calls: AtomicU32::new(0),
        takes: Duration::from_secs(9),
        rows: 1,
        name: "hamlet",
        script: Box::new(|_| Ok(())),
    });
    let cache = start(&source);
    cache.attempted(Duration::from_secs(60)).await;
    assert_eq!(age(&cache), Duration::from_secs(9));
}

/// tokio's timers and the standard library's clock stop meanwhile.
#[tokio::test(start_paused = true)]
async fn the_time_of_a_suspension_counts_and_what_came_due_in_it_is_done_soon_after() {
    let source = Scripted::new(|call| if call < 2 { Ok(()) } else { Err(unavailable()) });
    let cache = start(&source);
    cache.attempted(Duration::from_secs(1)).await;
    sleep(Duration::from_secs(60)).await;
    suspend(Duration::from_secs(3600));
    assert_eq!(age(&cache), Duration::from_secs(3660));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(source.calls(), 2);
    assert!(age(&cache) <= Duration::from_secs(10), "{:?}", age(&cache));
    suspend(MAX_STALE);
    sleep(Duration::from_secs(1)).await;
    assert!(matches!(cache.lookup(), Lookup::Missing { .. }), "it is too old");
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_leaves_the_old_answer_until_it_is_stale() {
    let source = Scripted::new(|call| if call == 0 { Ok(()) } else { Err(unavailable()) });
    let cache = start(&source);
    sleep(MAX_STALE - Duration::from_secs(1)).await;
    assert!(age(&cache) > TTL, "it is the old one");
    sleep(Duration::from_secs(2)).await;
    match cache.lookup() {
        Lookup::Missing { reason, .. } => assert_eq!(reason, Some(Reason::Unavailable)),
        Lookup::Found(_, age) => panic!("served at the age of {age:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_ever_more_slowly() {
    let source = Scripted::new(|_| Err(unavailable()));
    let _cache = start(&source);
    sleep(Duration::from_secs(10)).await;
    let early = source.calls();
    assert!((3..=8).contains(&early), "{early} calls in the first 10 s");
    sleep(Duration::from_secs(3600)).await;
    let in_an_hour = source.calls() - early;
    assert!((60..=130).contains(&in_an_hour), "{in_an_hour} calls in an hour");
}

#[tokio::test(start_paused = true)]
async fn waits_differ_so_that_instances_do_not_march_in_step() {
    let mut waits = std::collections::HashSet::new();
    for _ in 0..20 {
        let source = Scripted::new(|_| Err(unavailable()));
        let cache = start(&source);
        cache.attempted(Duration::from_secs(1)).await;
        match cache.lookup() {
            Lookup::Missing { retry_after, .. } => waits.insert(retry_after),
            Lookup::Found(..) => panic!("an answer from nowhere"),
        };
    }
    assert!(waits.len() > 10, "only {} different waits", waits.len());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_can_be_started_early_after_an_answer_after_a_failure_and_after_the_running_one() {
    let source = Arc::new(Scripted {
        clock: clock(),
        calls: AtomicU32::new(0),
        takes: Duration::from_secs(2),
        rows: 1,
        name: "hamlet",
        script: Box::new(|call| if call < 4 { Ok(()) } else { Err(unavailable()) }),
    });
    let early = Arc::default();
    let _cache = start_with(&source, TTL, &early);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(source.calls(), 1);
    early.notify_one();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(source.calls(), 2, "not at once");
    // While a refresh runs, all further requests together cause one more.
    for _ in 0..3 {
        early.notify_one();
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(source.calls(), 3);
    sleep(TTL - Duration::from_secs(12)).await;
    assert_eq!(source.calls(), 4, "the TTL counts from the last one");
    sleep(TTL * 3).await;
    let failing = source.calls();
    early.notify_one();
    // One may be running now, for two seconds.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(
        source.calls(),
        failing + 1,
        "a wait after a failure is as long as before"
    );
}

#[tokio::test(start_paused = true)]
async fn it_recovers_alone() {
    let source = Scripted::new(|call| if call < 5 { Err(unavailable()) } else { Ok(()) });
    let cache = start(&source);
    let begun = Instant::now();
    while matches!(cache.lookup(), Lookup::Missing { .. }) {
        sleep(Duration::from_millis(100)).await;
        assert!(begun.elapsed() < Duration::from_secs(60), "not recovered");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_refresh_is_one_failed_refresh() {
    let source = Scripted::new(|call| if call == 0 { panic!("on purpose") } else { Ok(()) });
    let cache = start(&source);
    cache.attempted(Duration::from_secs(1)).await;
    match cache.lookup() {
        Lookup::Missing { reason, .. } => assert_eq!(reason, Some(Reason::Malformed)),
        Lookup::Found(..) => panic!("an answer from a panic"),
    }
    sleep(Duration::from_secs(2)).await;
    assert!(matches!(cache.lookup(), Lookup::Found(..)));
}

/// The largest possible answer.
fn largest() -> Arc<Scripted> {
    let mut source = Scripted::new(|_| Ok(()));
    let largest = Arc::get_mut(&mut source).unwrap();
    largest.rows = 10_000;
    largest.name = "A Midsummer Night's Dream, in the edition of 1600 & that of 1623";
    source
}

#[tokio::test]
async fn requests_are_answered_while_the_largest_answer_is_rendered() {
    let begun = std::time::Instant::now();
    let cache = Arc::new(Cache::new(TTL, MAX_STALE));
    let metrics = Arc::new(Metrics::new(TTL));
    // As an instance runs it.
    let refresh = run(largest(), Arc::clone(&cache), metrics, Arc::default(), None);
    let _refresh = beside("refresh", refresh).unwrap();
    let (mut last, mut longest) = (begun, Duration::ZERO);
    while matches!(cache.lookup(), Lookup::Missing { reason: None, .. }) {
        sleep(Duration::from_millis(1)).await;
        longest = longest.max(last.elapsed());
        last = std::time::Instant::now();
    }
    assert!(matches!(cache.lookup(), Lookup::Found(..)));
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(50), "{took:?} is too short to tell");
    assert!(
        longest < took / 2,
        "the loop was held for {longest:?} of {took:?}"
    );
}

#[tokio::test]
async fn an_answer_whose_pages_are_too_large_is_refused() {
    let mut source = largest();
    Arc::get_mut(&mut source).unwrap().rows = 40_000;
    let cache = start(&source);
    cache.attempted(Duration::from_secs(60)).await;
    let malformed = Some(Reason::Malformed);
    assert!(matches!(cache.lookup(), Lookup::Missing { reason, .. } if reason == malformed));
}
