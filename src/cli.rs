//! The command line: flags, their environment variables and defaults.

use std::ffi::{OsStr, OsString};
#[cfg(feature = "standin")]
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{
    Config, Endpoint, Invalid, Listen, Location, LogFormat, LogLevel, Origin, Project, Table, Word,
    parse_duration,
};

/// Serves how often one word stands in each corpus of a BigQuery table.
#[derive(Debug, Parser)]
#[command(name = "wordtally", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; with the stand-in built in, `demo` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Reads the command line of this process. With the stand-in built in, none at all means `demo`.
    ///
    /// # Errors
    ///
    /// What clap found wrong, or help that was asked for.
    pub fn read() -> Result<Self, clap::Error> {
        let cli = Self::parse_all(std::env::args_os())?;
        if cli.command.is_none() && cfg!(feature = "standin") {
            return Self::parse_all(["wordtally", "demo"]);
        }
        Ok(cli)
    }

    fn parse_all<T: Into<OsString> + Clone>(args: impl IntoIterator<Item = T>) -> Result<Self, clap::Error> {
        let matches = choose_variables(Self::command()).try_get_matches_from(args)?;
        Self::from_arg_matches(&matches)
    }
}

/// Chooses the variable of each flag. An empty one counts as none, as a manifest or unit sets one to leave it to its
/// default. An empty `WORD` is still refused as such: it is more likely a word that got lost.
fn choose_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let Some(name) = arg.get_env().filter(|name| *name != "WORD") else {
                return arg;
            };
            match (std::env::var_os(name), former_name(name)) {
                (Some(value), _) if !value.is_empty() => arg,
                (_, Some(former)) if std::env::var_os(former).is_some_and(|value| !value.is_empty()) => {
                    arg.env(former)
                }
                (Some(_), _) => arg.env(Resettable::Reset),
                (None, _) => arg,
            }
        })
        .mut_subcommands(choose_variables)
}

/// The name that a variable had before, which still counts.
fn former_name(variable: &OsStr) -> Option<&'static str> {
    (variable == "MAX_STALE").then_some("STALE")
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve one word's counts
    Serve(Box<ServeArgs>),
    /// Check all that `serve` checks before it listens: values, credential file, certificates
    Check(Box<CheckArgs>),
    /// Serve the list of all words, with the total that each instance gives
    Index(IndexArgs),
    /// Write what a reverse proxy shows by itself: errors, and the list of words without totals
    StaticPages(StaticPagesArgs),
    /// Exit 0 if URL answers 200: a health check for containers without a shell
    Probe {
        /// http://host:port/path, or unix:/path/of.sock:/path
        url: String,
    },
    /// Serve several words from a stand-in for BigQuery on this machine, with no account at Google
    #[cfg(feature = "standin")]
    Demo(DemoArgs),
    /// The stand-in for BigQuery
    #[cfg(feature = "standin")]
    #[command(subcommand)]
    Standin(bigquery_standin::cli::Command),
}

/// The flags of `serve` and `check`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Word to count, matched exactly: case, spaces and punctuation
    #[arg(long, env = "WORD")]
    word: Word,
    /// Address to listen on: IP:PORT, or unix:/path; a socket passed by systemd wins
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    listen: Listen,
    /// Google Cloud project that is billed for the jobs [default: the credential's own]
    #[arg(long, env = "PROJECT")]
    project: Option<Project>,
    /// Table with the columns word, word_count and corpus
    #[arg(
        long,
        env = "TABLE",
        default_value = "bigquery-public-data.samples.shakespeare"
    )]
    table: Table,
    /// Location of the jobs, such as EU [default: BigQuery chooses]
    #[arg(long, env = "LOCATION")]
    location: Option<Location>,
    /// Credential file [default: the usual places, see docs/reference/credentials.md]
    #[arg(long, env = "CREDENTIALS", value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Address of BigQuery
    #[arg(
        long,
        env = "BIGQUERY_ENDPOINT",
        value_name = "URL",
        default_value = "https://bigquery.googleapis.com"
    )]
    bigquery_endpoint: Endpoint,
    /// Time for which an answer counts as fresh
    #[arg(long, env = "TTL", default_value = "5m", value_parser = parse_duration)]
    ttl: Duration,
    /// Age up to which an answer is served while BigQuery fails
    #[arg(long, alias = "stale", env = "MAX_STALE", default_value = "24h", value_parser = parse_duration)]
    max_stale: Duration,
    /// Origin whose pages may read the answers in a browser, such as https://example.com, or * for each; several with
    /// commas between them
    #[arg(long, env = "CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<Origin>,
    /// Time that one refresh may take, retries included
    #[arg(long, env = "TIMEOUT", default_value = "30s", value_parser = parse_duration)]
    timeout: Duration,
    /// Most bytes that BigQuery may bill for one job
    #[arg(long, env = "MAXIMUM_BYTES_BILLED", value_name = "BYTES", default_value = "104857600",
          value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    maximum_bytes_billed: u64,
    /// Threads that serve
    #[arg(long, env = "WORKERS", value_name = "N", default_value = "1",
          value_parser = clap::value_parser!(u64).range(1..=64))]
    workers: u64,
    /// How the log is written.
    #[command(flatten)]
    log: LogArgs,
}

/// The flags of the log.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Form of the log lines: json or text
    #[arg(long = "log-format", env = "LOG_FORMAT", default_value = "json")]
    pub format: LogFormat,
    /// Least severe lines to log: error, warn, info or debug
    #[arg(long = "log-level", env = "LOG_LEVEL", default_value = "info")]
    pub level: LogLevel,
}

/// The flags of `index`.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// JSON file of the words that are served together, with their instances' addresses
    #[arg(long, env = "SITE", value_name = "FILE")]
    pub site: PathBuf,
    /// Address to listen on: IP:PORT, or unix:/path; a socket passed by systemd wins
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: Listen,
    /// How the log is written.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `static-pages`.
#[derive(Debug, Args)]
pub struct StaticPagesArgs {
    /// JSON file of the words that are served together
    #[arg(long, env = "SITE", value_name = "FILE")]
    pub site: PathBuf,
    /// Directory to make, for the pages
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What `serve` would get.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Read no file: check the values alone, such as in a build, which has no credential and no certificates
    #[arg(long)]
    pub values_only: bool,
}

/// The flags of `demo`.
#[cfg(feature = "standin")]
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Word to count; repeat the flag for more
    #[arg(long = "word", env = "WORD", default_values = ["the", "love", "death", "Romeo"])]
    pub words: Vec<Word>,
    /// Address of the page of links: IP:PORT or localhost:PORT; each word gets the next port [default: 127.0.0.1:8080, or
    /// the first ports after it that are free]
    #[arg(long, env = "LISTEN", value_parser = crate::config::parse_tcp)]
    pub listen: Option<SocketAddr>,
}

impl TryFrom<ServeArgs> for Config {
    type Error = Invalid;

    fn try_from(args: ServeArgs) -> Result<Self, Invalid> {
        if args.max_stale < args.ttl {
            return Err(Invalid::new(
                "--max-stale is shorter than --ttl: expected at least as much",
            ));
        }
        Ok(Self {
            word: args.word,
            listen: args.listen,
            project: args.project,
            table: args.table,
            location: args.location,
            credentials: args.credentials,
            bigquery_endpoint: args.bigquery_endpoint,
            ttl: args.ttl,
            max_stale: args.max_stale,
            cors_origins: args.cors_origin,
            timeout: args.timeout,
            maximum_bytes_billed: args.maximum_bytes_billed,
            workers: usize::try_from(args.workers).unwrap_or(1),
            log_format: args.log.format,
            log_level: args.log.level,
        })
    }
}

/// What `serve` does with a word and nothing else said, whatever this process's variables say.
///
/// # Errors
///
/// A default that is refused.
pub fn defaults(word: Word) -> Result<Config, Invalid> {
    let command = ServeArgs::augment_args(clap::Command::new("serve"))
        .no_binary_name(true)
        .mut_args(|arg| arg.env(Resettable::Reset));
    let args = command
        .try_get_matches_from([format!("--word={word}")])
        .and_then(|matches| ServeArgs::from_arg_matches(&matches))
        .map_err(|error| Invalid::new(explain(&error)))?;
    args.try_into()
}

/// What a refused command line amounts to: one line, with the flag it is about.
pub fn explain(error: &clap::Error) -> String {
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.split(' ').next().unwrap_or_default().to_owned(),
        Some(ContextValue::Strings(args)) => {
            let flags: Vec<_> = args
                .iter()
                .map(|arg| arg.split(' ').next().unwrap_or_default())
                .collect();
            flags.join(", ")
        }
        _ => String::new(),
    };
    match (error.kind(), std::error::Error::source(error)) {
        (ErrorKind::ValueValidation, Some(sentence)) => format!("{flag}: {sentence}"),
        (ErrorKind::MissingRequiredArgument, _) => {
            format!("missing {flag}: expected the flag or its variable, see --help")
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        }
    }
}
