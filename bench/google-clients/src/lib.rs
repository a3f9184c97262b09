//! The common part of the three programs: each sends the same count query with another client library, and prints the
//! results.
//!
//! `PROGRAM ENDPOINT CREDENTIAL ASKS SECONDS [together]`: sends this many queries, one after another or all together,
//! each with a time limit in seconds. It prints a line for each, then its memory, its CPU time and the median time as
//! JSON.

#[cfg(feature = "v2")]
pub mod google;

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

/// A query like the service's: its table, a bound word, one row per corpus.
pub const SQL: &str = "SELECT corpus, SUM(word_count) AS total_words \
    FROM `bigquery-public-data.samples.shakespeare` WHERE word = @word GROUP BY corpus ORDER BY total_words DESC, corpus";
/// The word that is counted.
pub const WORD: &str = "the";
/// The project that is billed.
pub const PROJECT: &str = "bench";

/// The use of one client library.
pub trait Asks: Clone + Send + Sync + 'static {
    /// Sends the query once and reads every row. Returns the result in a few words.
    fn ask(&self) -> impl Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send;
}

/// The command line.
#[derive(Debug)]
pub struct Arguments {
    /// BigQuery's address, without a path.
    pub endpoint: String,
    /// The content of the credential file, or null for the metadata server.
    pub credential: Value,
    asks: u32,
    limit: Duration,
    together: bool,
}

impl Arguments {
    /// Reads the command line and the credential file.
    ///
    /// # Errors
    ///
    /// An argument that is missing or wrong, or a file that cannot be read.
    pub fn read() -> Result<Self, Box<dyn Error>> {
        let mut args = std::env::args().skip(1);
        let mut next = |what: &str| {
            args.next()
                .ok_or_else(|| format!("no {what}: PROGRAM ENDPOINT CREDENTIAL ASKS SECONDS [together]"))
        };
        let endpoint = next("ENDPOINT")?;
        let credential = match next("CREDENTIAL")?.as_str() {
            "metadata" => Value::Null,
            path => serde_json::from_slice(&std::fs::read(path)?)?,
        };
        Ok(Self {
            endpoint,
            credential,
            asks: next("ASKS")?.parse()?,
            limit: Duration::from_secs(next("SECONDS")?.parse()?),
            together: args.next().is_some_and(|mode| mode == "together"),
        })
    }
}

/// Sends the queries, and prints the results.
///
/// # Errors
///
/// A file of /proc that cannot be read.
pub async fn run(client: impl Asks, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut taken = Vec::new();
    let mut first = memory()?;
    if arguments.together {
        let mut asked = JoinSet::new();
        for _ in 0..arguments.asks {
            let (client, limit) = (client.clone(), arguments.limit);
            asked.spawn(async move { once(client, limit).await });
        }
        for came in asked.join_all().await {
            println!("{came}");
        }
    } else {
        for nth in 0..arguments.asks {
            let begun = Instant::now();
            println!("{}", once(client.clone(), arguments.limit).await);
            taken.push(begun.elapsed().as_micros());
            if nth == 0 {
                first = memory()?;
            }
        }
    }
    taken.sort_unstable();
    let last = memory()?;
    let figures = json!({
        "rss_kb": first.now,
        "peak_kb": last.peak,
        "median_us": taken.get(taken.len() / 2),
        "cpu_us": cpu()? / 1000,
    });
    println!("{figures}");
    Ok(())
}

/// In its own task, so that a panic of the library does not end the program.
async fn once(client: impl Asks, limit: Duration) -> String {
    let asked = tokio::spawn(async move { client.ask().await.map_err(|error| chain(error.as_ref())) });
    let abort = asked.abort_handle();
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(Ok(came))) => came,
        Ok(Ok(Err(cause))) => format!("error: {cause}"),
        Ok(Err(error)) if error.is_panic() => "panic".to_owned(),
        Ok(Err(error)) => format!("error: {error}"),
        Err(_) => {
            abort.abort();
            format!("still waiting after {limit:?}")
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text.replace('\n', " ")
}

struct Memory {
    now: u64,
    peak: u64,
}

fn memory() -> Result<Memory, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| format!("/proc/self/status has no {name}"))
    };
    Ok(Memory {
        now: kilobytes("VmRSS:")?,
        peak: kilobytes("VmHWM:")?,
    })
}

/// The CPU time so far, in nanoseconds. One thread does all the work, except for the resolver's.
fn cpu() -> Result<u64, Box<dyn Error>> {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(schedstat.split(' ').next().unwrap_or_default().parse()?)
}
