//! The stand-in as commands: `serve` and `keygen`.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use sd_notify::NotifyState;

use crate::iam::{self, KeyError, Policy, ServiceAccountKey};
use crate::reload;
pub use crate::reload::Notify;
use crate::{Options, Standin, StartError, data, files};

/// The end of each command's help.
const SERVE_HELP: &str = "\
Examples:
  wordtally standin serve --iam iam.json
  wordtally standin serve --listen 127.0.0.1:9050 --data counts.csv --iam iam.json --state state --admin

Exit codes:
  0  stopped by SIGTERM or SIGINT
  1  could not start, or failed while running
  2  a value was refused";
const KEYGEN_HELP: &str = "\
Examples:
  wordtally standin keygen --email a@my-project.iam.gserviceaccount.com --project my-project --out key.json --public iam.json

Exit codes:
  0  both files were written
  1  a file could not be written
  2  a value was refused";

/// The stand-in's commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve BigQuery's REST API, its token endpoints and a metadata server.
    #[command(after_help = SERVE_HELP)]
    Serve(ServeArgs),
    /// Create a service account's key file, and the IAM file that registers the account.
    #[command(after_help = KEYGEN_HELP)]
    Keygen(KeygenArgs),
}

/// How to serve.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free port.
    #[arg(long, default_value = "127.0.0.1:9050")]
    pub listen: SocketAddr,
    /// Address that clients use, if it differs from that of --listen.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Data to serve instead of the shipped word counts.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// IAM file: accounts and what they may do. Repeat the flag to combine several files; without one, every request
    /// is refused. SIGHUP reads them again.
    #[arg(long, value_name = "FILE")]
    pub iam: Vec<PathBuf>,
    /// Directory for the state that survives a restart: the secret that signs tokens, and revocations.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Also serve /standin/faults, /standin/counters and /standin/revoke-all, to anyone who can connect.
    #[arg(long)]
    pub admin: bool,
}

/// Which key to make.
#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// The service account's email address.
    #[arg(long)]
    pub email: String,
    /// The project to which the account belongs.
    #[arg(long)]
    pub project: String,
    /// The token endpoint that clients of this key use.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9050/token")]
    pub token_uri: String,
    /// The key file to write, in Google's format, with mode 0600; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The IAM file to write, with the account, its public key and the roles below; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub public: PathBuf,
    /// Grant roles/bigquery.jobUser in a project: the account may run jobs there. Repeat the flag for more.
    #[arg(long, value_name = "PROJECT")]
    pub job_user: Vec<String>,
    /// Grant roles/bigquery.dataViewer on a dataset: the account may read it. Repeat the flag for more.
    #[arg(long, value_name = "PROJECT.DATASET", value_parser = dataset)]
    pub data_viewer: Vec<String>,
    /// Keep both files unchanged if both exist: for a command that runs at every start.
    #[arg(long)]
    pub keep: bool,
}

fn dataset(text: &str) -> Result<String, String> {
    match text.rsplit_once('.') {
        Some((project, dataset)) if !project.is_empty() && !dataset.is_empty() => Ok(text.to_owned()),
        _ => Err(format!(
            "invalid dataset '{text}': expected PROJECT.DATASET, e.g. bigquery-public-data.samples"
        )),
    }
}

/// Why a command failed, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The stand-in did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An IAM file is missing or wrong.
    #[error(transparent)]
    Iam(#[from] iam::LoadError),
    /// The data is missing or wrong.
    #[error(transparent)]
    Data(#[from] data::LoadError),
    /// No key could be created.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file cannot be written.
    #[error("cannot write {path}: {source}: expected the path of a new file in an existing folder")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The process cannot wait for signals.
    #[error("cannot wait for a signal: {0}")]
    Signal(#[source] io::Error),
}

/// Runs a command. `serve` continues until the future from `stop` ends, and reports its state to systemd with `notify`:
/// signals and systemd belong to the process, not to the stand-in.
pub async fn run<S: Future<Output = ()>>(
    command: Command,
    stop: impl FnOnce() -> io::Result<S>,
    notify: Notify,
) -> Result<(), CommandError> {
    match command {
        Command::Serve(args) => serve(args, stop().map_err(CommandError::Signal)?, notify).await,
        Command::Keygen(args) => keygen(&args),
    }
}

async fn serve(args: ServeArgs, stop: impl Future<Output = ()>, notify: Notify) -> Result<(), CommandError> {
    let hangup = reload::hangup().map_err(CommandError::Signal)?;
    let policy = Policy::load_all(&args.iam)?;
    let database = match &args.data {
        Some(path) => data::load(path)?,
        None => data::shipped()?,
    };
    let standin = Standin::start(Options {
        listen: args.listen,
        public_url: args.public_url,
        policy,
        state: args.state,
        admin: args.admin,
        ..Options::new(Arc::new(database))
    })
    .await?;
    tracing::info!(url = standin.url(), "the BigQuery stand-in serves");
    notify(&[NotifyState::Ready]);
    tokio::select! {
        () = stop => {}
        () = reload::at(hangup, &standin, &args.iam, notify) => {}
    }
    standin.shutdown().await;
    Ok(())
}

/// Creates a key and writes both of its files.
pub fn keygen(args: &KeygenArgs) -> Result<(), CommandError> {
    if args.keep && args.out.exists() && args.public.exists() {
        return Ok(());
    }
    let key = ServiceAccountKey::generate(&args.email, &args.project)?;
    let mut policy = Policy {
        service_accounts: vec![key.account()],
        ..Policy::default()
    };
    for project in &args.job_user {
        policy.allow_jobs(project, &key.member());
    }
    for dataset in &args.data_viewer {
        policy.allow_reading(dataset, &key.member());
    }
    let public = serde_json::to_string_pretty(&policy)
        .map_err(io::Error::from)
        .map_err(cannot_write(&args.public))?;
    key.write_new(&args.out, &args.token_uri)
        .map_err(cannot_write(&args.out))?;
    files::create_new(&args.public, 0o644, &format!("{public}\n")).map_err(cannot_write(&args.public))
}

fn cannot_write(path: &Path) -> impl Fn(io::Error) -> CommandError {
    move |source| CommandError::Write {
        path: path.display().to_string(),
        source,
    }
}
