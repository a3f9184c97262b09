//! Wires the parts together.

#[cfg(not(unix))]
compile_error!(
    "wordtally is built for Linux, and for macOS for development: it needs Unix sockets and signals. On Windows, build it in WSL 2."
);

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

#[cfg(feature = "standin")]
use tracing::level_filters::LevelFilter;
use wordtally::cli::{
    CheckArgs, Cli, Command, IndexArgs, ServeArgs, StaticPagesArgs, asked_log_format, explain, is_help,
    missing_command,
};
use wordtally::config::Config;
#[cfg(feature = "standin")]
use wordtally::config::LogFormat;
use wordtally::index::Index;
use wordtally::instance::Instance;
use wordtally::runtime::run;
use wordtally::site::{Site, Source};
#[cfg(feature = "standin")]
use wordtally::systemd;
use wordtally::{probe, shutdown, static_pages, telemetry};

/// It returns memory after a load; glibc's allocator does not.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The exit code of a run that failed.
const FAILED: u8 = 1;
/// The exit code of a refused configuration.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let code = command();
    telemetry::flush();
    code
}

fn command() -> ExitCode {
    let command = match Cli::read() {
        Ok(cli) => cli.command,
        Err(error) if is_help(&error) => error.exit(),
        Err(error) => return fail(REFUSED, explain(&error)),
    };
    let ended = match command {
        Some(Command::Serve(args)) => return serve(*args),
        Some(Command::Check(args)) => return check(*args),
        Some(Command::Index(args)) => return index(args),
        Some(Command::StaticPages(args)) => return static_pages(&args),
        Some(Command::Probe { url }) => run(1, async { probe::probe(&url).await.map_err(io::Error::other) }),
        #[cfg(feature = "standin")]
        Some(Command::Demo(args)) => run(1, wordtally::demo::run(args)),
        #[cfg(feature = "standin")]
        Some(Command::Standin(command)) => standin(command),
        None => {
            return fail(REFUSED, missing_command());
        }
    };
    ended.map_or_else(|error| fail(FAILED, error), |()| ExitCode::SUCCESS)
}

fn serve(args: ServeArgs) -> ExitCode {
    let config = match Config::try_from(args) {
        Ok(config) => config,
        Err(bad) => return fail(REFUSED, bad),
    };
    if let Err(error) = telemetry::init(config.log_format, config.log_level) {
        return fail(FAILED, format!("cannot start the log: {error}"));
    }
    let workers = config.workers;
    // The socket is opened while no other thread reads the environment, because that clears systemd's variables.
    let instance = match run(1, async { Ok(Instance::open(config).await) }) {
        Ok(Ok(instance)) => instance,
        Ok(Err(bad)) => return fail(REFUSED, bad),
        Err(error) => return fail(FAILED, error),
    };
    let served = run(workers, async { instance.serve(shutdown::requested()?).await });
    served.map_or_else(|error| fail(FAILED, error), |()| ExitCode::SUCCESS)
}

fn index(args: IndexArgs) -> ExitCode {
    if let Err(error) = telemetry::init(args.log.format, args.log.level) {
        return fail(FAILED, format!("cannot start the log: {error}"));
    }
    let source = Source::file(args.site);
    // The socket is opened while no other thread reads the environment, because that clears systemd's variables.
    let index = match run(1, async { Ok(Index::open(&args.listen, source).await) }) {
        Ok(Ok(index)) => index,
        Ok(Err(bad)) => return fail(REFUSED, bad),
        Err(error) => return fail(FAILED, error),
    };
    let served = run(1, async { index.serve(shutdown::requested()?).await });
    served.map_or_else(|error| fail(FAILED, error), |()| ExitCode::SUCCESS)
}

fn static_pages(args: &StaticPagesArgs) -> ExitCode {
    match Site::read(&args.site) {
        Err(bad) => fail(REFUSED, bad),
        Ok(site) => match static_pages::write(&site, &args.out) {
            Err(error) => fail(FAILED, error),
            Ok(()) => ExitCode::SUCCESS,
        },
    }
}

#[cfg(feature = "standin")]
fn standin(command: bigquery_standin::cli::Command) -> io::Result<()> {
    telemetry::init(LogFormat::Text, LevelFilter::INFO)?;
    run(1, async {
        bigquery_standin::cli::run(command, shutdown::requested, systemd::notify)
            .await
            .map_err(io::Error::other)
    })
}

fn check(args: CheckArgs) -> ExitCode {
    let config = match Config::try_from(args.serve) {
        Ok(_) if args.values_only => return ExitCode::SUCCESS,
        Ok(config) => config,
        Err(bad) => return fail(REFUSED, bad),
    };
    match run(1, async { Ok(Instance::check(&config).await) }) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(bad)) => fail(REFUSED, bad),
        Err(error) => fail(FAILED, error),
    }
}

/// Reports in one line what is wrong, in the requested format. If nobody reads it, the exit code still tells.
fn fail(code: u8, sentence: impl Display) -> ExitCode {
    telemetry::fatal(&sentence.to_string(), asked_log_format());
    ExitCode::from(code)
}
