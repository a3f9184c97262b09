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
    parse_duration, parse_number,
};
use crate::version;

/// The end of each command's help. The parser accepts every example.
const MAIN_HELP: &str = "\
Examples:
  wordtally serve --word the --credentials key.json
  wordtally check --word the --credentials key.json

Exit codes:
  0  succeeded
  1  failed while running
  2  a value was refused before anything listened";
const SERVE_HELP: &str = "\
Examples:
  wordtally serve --word the --credentials key.json
  wordtally serve --word 'two words' --listen 0.0.0.0:8080 --project my-project-123
  wordtally serve --word the --listen unix:/run/wordtally/the.sock --log-format text

Exit codes:
  0  stopped by SIGTERM or SIGINT
  1  failed while running
  2  a value, or the file or address that it names, was refused before anything listened";
const CHECK_HELP: &str = "\
Examples:
  wordtally check --word the --credentials key.json
  wordtally check --word the --ttl 30s --values-only

Exit codes:
  0  every check passed
  1  the system could not start a thread
  2  a value, or a file that it names, was refused";
const INDEX_HELP: &str = "\
Examples:
  wordtally index --site site.json --listen unix:/run/wordtally/index.sock

Exit codes:
  0  stopped by SIGTERM or SIGINT
  1  failed while running
  2  a value, or the site file, was refused before anything listened";
const STATIC_PAGES_HELP: &str = "\
Examples:
  wordtally static-pages --site site.json --out pages

Exit codes:
  0  the pages were written
  1  a file could not be written
  2  a value, or the site file, was refused";
const PROBE_HELP: &str = "\
Examples:
  wordtally probe http://127.0.0.1:8080/readyz
  wordtally probe unix:/run/wordtally/the.sock:/healthz

Exit codes:
  0  the URL responded with 200 within 5 seconds
  1  it did not";
#[cfg(feature = "standin")]
const DEMO_HELP: &str = "\
Examples:
  wordtally demo
  wordtally demo --word Yorick --word \"'Tis\" --listen localhost:9000

Exit codes:
  0  stopped by SIGTERM or SIGINT
  1  could not start, or failed while running
  2  a value was refused";

/// Shows how often a word occurs in each corpus of a BigQuery table.
#[derive(Debug, Parser)]
#[command(
    name = "wordtally",
    version = version::both(),
    disable_help_subcommand = true,
    after_help = MAIN_HELP
)]
pub struct Cli {
    /// The command; with the stand-in built in, the default is `demo`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Reads the command line of this process. With the stand-in built in, an empty one means `demo`.
    ///
    /// # Errors
    ///
    /// The mistake that clap found, or a request for help.
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

/// Chooses the variable of each flag. An empty variable counts as unset, because manifests and units set one to the
/// empty string to keep the default. An empty `WORD` is refused nevertheless: it usually means that the value was lost.
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

/// The former name of a variable, which still works.
fn former_name(variable: &OsStr) -> Option<&'static str> {
    (variable == "MAX_STALE").then_some("STALE")
}

/// Whether this is help or the version, either requested or shown because a subcommand is missing.
pub fn is_help(error: &clap::Error) -> bool {
    !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// The error for a command line without a command.
pub fn missing_command() -> String {
    let names: Vec<_> = Cli::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    format!(
        "missing command: expected one of {}, see --help",
        names.join(", ")
    )
}

/// The log format that was requested for this process, whatever else is wrong with its command line.
pub fn asked_log_format() -> Option<LogFormat> {
    let flag = "--log-format";
    let args: Vec<_> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let after = args.iter().skip_while(|arg| *arg != flag).nth(1).cloned();
    let joined = args
        .iter()
        .find_map(|arg| arg.strip_prefix(flag)?.strip_prefix('='));
    let asked = after
        .or(joined.map(str::to_owned))
        .or_else(|| std::env::var("LOG_FORMAT").ok());
    asked?.parse().ok()
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve one word's counts
    #[command(after_help = SERVE_HELP)]
    Serve(Box<ServeArgs>),
    /// Run the checks that `serve` makes before it listens: values, credential file, certificates
    #[command(after_help = CHECK_HELP)]
    Check(Box<CheckArgs>),
    /// Serve the list of all words, with the total of each instance
    #[command(after_help = INDEX_HELP)]
    Index(IndexArgs),
    /// Write the pages that a reverse proxy serves itself: errors, and the list of words without totals
    #[command(after_help = STATIC_PAGES_HELP)]
    StaticPages(StaticPagesArgs),
    /// Exit with 0 if the URL responds with 200: a health check for containers without a shell
    #[command(after_help = PROBE_HELP)]
    Probe {
        /// http://host:port/path, or unix:/path/of.sock:/path
        url: String,
    },
    /// Serve several words from a BigQuery stand-in on this machine, without a Google account
    #[cfg(feature = "standin")]
    #[command(after_help = DEMO_HELP)]
    Demo(DemoArgs),
    /// Run the stand-in for BigQuery, or create a key for it
    #[cfg(feature = "standin")]
    #[command(subcommand)]
    Standin(bigquery_standin::cli::Command),
}

/// The flags of `serve` and `check`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Word to count, matched exactly, including case, spaces and punctuation
    #[arg(long, env = "WORD")]
    word: Word,
    /// Address to listen on: IP:PORT, or unix:/path; a socket passed by systemd takes precedence
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    listen: Listen,
    /// Google Cloud project that is billed for the jobs [default: the credential's project]
    #[arg(long, env = "PROJECT")]
    project: Option<Project>,
    /// Table with the columns word, word_count and corpus, as project.dataset.table
    #[arg(
        long,
        env = "TABLE",
        default_value = "bigquery-public-data.samples.shakespeare"
    )]
    table: Table,
    /// Location of the jobs, such as EU [default: BigQuery chooses it]
    #[arg(long, env = "LOCATION")]
    location: Option<Location>,
    /// Credential file [default: the first place that has one, see docs/reference/credentials.md]
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
    /// Origins (scheme and host), separated by commas, whose pages may read responses in a browser; * allows any
    #[arg(long, env = "CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<Origin>,
    /// Time that one refresh may take, retries included
    #[arg(long, env = "TIMEOUT", default_value = "30s", value_parser = parse_duration)]
    timeout: Duration,
    /// Maximum number of bytes that BigQuery may bill for one job
    #[arg(long, env = "MAXIMUM_BYTES_BILLED", value_name = "BYTES", default_value = "104857600",
          value_parser = |text: &str| parse_number(text, 1..=i64::MAX as u64))]
    maximum_bytes_billed: u64,
    /// Number of threads that serve requests, 1 to 64
    #[arg(long, env = "WORKERS", value_name = "N", default_value = "1",
          value_parser = |text: &str| parse_number(text, 1..=64))]
    workers: u64,
    /// JSON file that lists the words served together, so that the page links to the others [default: none]
    #[arg(long, env = "SITE", value_name = "FILE")]
    site: Option<PathBuf>,
    /// The log.
    #[command(flatten)]
    log: LogArgs,
}

/// The flags of the log.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Format of the log: json or text
    #[arg(long = "log-format", env = "LOG_FORMAT", default_value = "json")]
    pub format: LogFormat,
    /// Least severe level to log: error, warn, info or debug
    #[arg(long = "log-level", env = "LOG_LEVEL", default_value = "info")]
    pub level: LogLevel,
}

/// The flags of `index`.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// JSON file that lists the words served together, with their instances' addresses
    #[arg(long, env = "SITE", value_name = "FILE")]
    pub site: PathBuf,
    /// Address to listen on: IP:PORT, or unix:/path; a socket passed by systemd takes precedence
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: Listen,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `static-pages`.
#[derive(Debug, Args)]
pub struct StaticPagesArgs {
    /// JSON file that lists the words served together
    #[arg(long, env = "SITE", value_name = "FILE")]
    pub site: PathBuf,
    /// Directory to create for the pages
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The values that `serve` would get.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Check only the values and read no file: for a build, which has no credential or certificates
    #[arg(long)]
    pub values_only: bool,
}

/// The flags of `demo`.
#[cfg(feature = "standin")]
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Word to count; repeat the flag for more words
    #[arg(long = "word", env = "WORD", default_values = ["the", "love", "death", "Romeo"])]
    pub words: Vec<Word>,
    /// Address of the index: IP:PORT or localhost:PORT; each word gets the next port [default: 127.0.0.1:8080, or the
    /// first ports after it that are free]
    #[arg(long, env = "LISTEN", value_parser = crate::config::parse_tcp)]
    pub listen: Option<SocketAddr>,
}

impl TryFrom<ServeArgs> for Config {
    type Error = Invalid;

    fn try_from(args: ServeArgs) -> Result<Self, Invalid> {
        if args.max_stale < args.ttl {
            return Err(Invalid::new(
                "--max-stale is shorter than --ttl: expected it to be at least as long",
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
            site: args.site,
            log_format: args.log.format,
            log_level: args.log.level,
        })
    }
}

/// The configuration of `serve` with this word and every default, whatever this process's variables are.
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

/// A refused command line in one line, with the flag that it is about.
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
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let meant = |kind, otherwise: &str| {
        said(kind).map_or_else(
            || otherwise.to_owned(),
            |name| format!("did you mean '{name}'? See --help"),
        )
    };
    match (error.kind(), std::error::Error::source(error)) {
        (ErrorKind::ValueValidation, Some(sentence)) => format!("{flag}: {sentence}"),
        (ErrorKind::MissingRequiredArgument, _) => missing(&flag),
        (ErrorKind::InvalidSubcommand, _) => format!(
            "unknown command '{}': {}",
            said(ContextKind::InvalidSubcommand).unwrap_or_default(),
            meant(ContextKind::SuggestedSubcommand, "expected one that --help lists")
        ),
        (ErrorKind::UnknownArgument, _) if flag.starts_with('-') => format!(
            "unknown flag '{flag}': {}",
            meant(ContextKind::SuggestedArg, "expected one that --help lists")
        ),
        (ErrorKind::UnknownArgument, _) => format!(
            "unexpected '{}': expected nothing more here; a value with spaces goes in quotes, e.g. --word 'two words'",
            said(ContextKind::InvalidArg).unwrap_or_default()
        ),
        (ErrorKind::ArgumentConflict, _) if said(ContextKind::PriorArg) == said(ContextKind::InvalidArg) => {
            format!("{flag}: given more than once, expected it once")
        }
        (ErrorKind::InvalidValue, _) if said(ContextKind::InvalidValue).unwrap_or_default().is_empty() => {
            format!("{flag}: expected a value after it, see --help")
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        }
    }
}

/// The error for missing required arguments.
fn missing(names: &str) -> String {
    let cli = Cli::command();
    let has_variable = |name: &str| {
        cli.get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .any(|arg| {
                arg.is_required_set() && arg.get_env().is_some() && arg.get_long() == name.strip_prefix("--")
            })
    };
    let expected = match names {
        _ if !names.starts_with('-') => "expected it after the command",
        _ if names.split(", ").all(has_variable) => "expected the flag or its variable",
        _ => "expected the flag",
    };
    format!("missing {names}: {expected}, see --help")
}
