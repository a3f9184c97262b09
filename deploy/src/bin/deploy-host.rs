//! The part of a deployment that runs on the host.

use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

use clap::{Args, Parser, Subcommand};
use wordtally_deploy::host::back::{self, Forward};
use wordtally_deploy::host::forward::{self, PATIENCE, Patience};
use wordtally_deploy::host::lock::Program;
use wordtally_deploy::host::names::{Id, StorePath};
use wordtally_deploy::host::real::Real;
use wordtally_deploy::host::records::{self, Journal, Way};
use wordtally_deploy::host::requests::Host;
use wordtally_deploy::host::world::World;
use wordtally_deploy::host::{connect, local, places, recover, serve};

/// How long systemd may refuse to report how a deployment stands.
const REFUSING: Duration = Duration::from_secs(120);
/// The interval between two queries.
const EVERY: Duration = Duration::from_millis(500);

/// Decides on this host which releases it accepts, and deploys them
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder that represents the machine's root
    #[arg(long, hide = true, default_value = "/")]
    root: PathBuf,
    /// Seconds for all words to get ready
    #[arg(long, hide = true, default_value_t = PATIENCE)]
    patience: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pass a request from standard input to the service, and its response to standard output
    Connect,
    /// Respond to the request on standard input
    Serve,
    /// Show the system that runs, the one that boots, and the last deployment
    Status,
    /// List the generations to which a rollback is possible
    List,
    /// List the recorded deployments, and how each ended
    Log,
    /// Roll back to a generation, by default the one before the boot default
    Rollback {
        /// Number of the generation
        generation: Option<u64>,
    },
    /// Show the digest of the running closure, and the program that each instance executes
    Check,
    /// A deployment's main process
    #[command(hide = true)]
    Forward(ForwardArguments),
    /// The process that follows it
    #[command(hide = true)]
    Back(BackArguments),
    /// End a deployment that could not end by itself
    Recover {
        /// Seconds between two attempts
        #[arg(long, hide = true, default_value_t = recover::PAUSE.as_secs())]
        pause: u64,
    },
}

#[derive(Args)]
struct ForwardArguments {
    id: Id,
    /// Seconds
    #[arg(long)]
    confirmation: u64,
}

#[derive(Args)]
struct BackArguments {
    id: Id,
    #[arg(long)]
    old: StorePath,
    #[arg(long)]
    new: StorePath,
    #[arg(long)]
    default: Option<u64>,
    #[arg(long)]
    newest: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("deploy-host: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let world = Real::new(&arguments.root);
    let host = || {
        Ok::<_, String>(Host {
            world: &world,
            program: program(arguments)?,
        })
    };
    match &arguments.command {
        Command::Connect => connect::relay(&world.at(places::SOCKET.as_ref()), io::stdin(), io::stdout())
            .map_err(|error| format!("cannot connect to deploy-host.socket: {error}")),
        Command::Serve => {
            serve::limit_idle(io::stdin(), serve::IDLE);
            serve::serve(&host()?, &mut BufReader::new(io::stdin()), &mut io::stdout())
                .map_err(|error| format!("the answer cannot be written: {error}"))
        }
        Command::Status => print(&local::status(&host()?.status()?)),
        Command::List => print(&local::list(&host()?.list()?)),
        Command::Log => print(&local::log(&host()?.log().deployments)),
        Command::Check => print(&local::check(&host()?.check()?)),
        Command::Rollback { generation } => rollback(&host()?, *generation),
        Command::Forward(forward) => go_forward(&world, forward, arguments.patience),
        Command::Back(back) => go_back(&world, back),
        Command::Recover { pause } => recover::recover(&world, Duration::from_secs(*pause)),
    }
}

fn print(text: &str) -> Result<(), String> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| format!("nothing can be written: {error}"))
}

/// This program, for the units that it starts.
fn program(arguments: &Arguments) -> Result<Program, String> {
    let mut options: Vec<OsString> = Vec::new();
    if arguments.root != Path::new("/") {
        options.extend(["--root".into(), arguments.root.clone().into()]);
    }
    if arguments.patience != PATIENCE {
        options.extend(["--patience".into(), arguments.patience.to_string().into()]);
    }
    Ok(Program {
        path: env::current_exe().map_err(|error| format!("cannot find this program's own file: {error}"))?,
        options,
        search_path: env::var_os("PATH").unwrap_or_default(),
    })
}

fn go_forward(world: &Real, arguments: &ForwardArguments, patience: u64) -> Result<(), String> {
    let id = &arguments.id;
    let kept = records::read(world, id).map_err(|error| format!("no deployment {id}: {error}"))?;
    let patience = Patience {
        ready: Duration::from_secs(patience),
        confirmation: Duration::from_secs(arguments.confirmation),
    };
    forward::forward(world, &mut Journal::new(world, kept), patience)
        .inspect_err(|reason| records::give_reason(world, id, reason))
}

fn go_back(world: &Real, arguments: &BackArguments) -> Result<(), String> {
    let variable = |name| env::var(name).ok();
    let forward = Forward::from_environment(
        variable("EXIT_CODE").as_deref(),
        variable("EXIT_STATUS").as_deref(),
    );
    let way = Way {
        id: arguments.id.clone(),
        old: arguments.old.clone(),
        new: arguments.new.clone(),
        default: arguments.default,
        newest: arguments.newest,
    };
    let ended = back::back(world, &way, forward);
    // To the journal, which outlives the record.
    if let Ok(log) = world.read(&places::log(&way.id)) {
        let _ = io::stdout().write_all(&log);
    }
    if let Ok(kept) = records::read(world, &way.id) {
        let _ = print(&local::log(&[kept.record]));
    }
    ended
}

/// Root's own rollback: no page is checked from outside, so the host's own checks confirm it.
fn rollback(host: &Host<'_>, generation: Option<u64>) -> Result<(), String> {
    let id = local::id().map_err(|error| format!("cannot create a random name: {error}"))?;
    let begun = host.rollback(&id, generation, 60)?;
    print(&format!(
        "to generation {}, {}\n",
        begun.generation,
        begun.system.display()
    ))?;
    let (mut seen, mut is_confirmed, mut answered) = (0, false, Instant::now());
    loop {
        let progress = match host.progress(&id, seen) {
            Ok(progress) => progress,
            // systemd does not respond while it re-executes itself.
            Err(_) if answered.elapsed() < REFUSING => {
                thread::sleep(EVERY);
                continue;
            }
            Err(why) => return Err(why),
        };
        answered = Instant::now();
        seen += progress.lines.len();
        for line in &progress.lines {
            print(&format!("{line}\n"))?;
        }
        if progress.state == wordtally_deploy::state::State::Unconfirmed && !is_confirmed {
            // A confirmation that was not accepted is sent again: the next query tells the outcome.
            is_confirmed = host.confirm(&id).is_ok();
        }
        if progress.state.is_final() {
            return match progress.reason {
                None => print(&format!("{}\n", progress.state)),
                Some(reason) => Err(format!("{}: {reason}", progress.state)),
            };
        }
        thread::sleep(EVERY);
    }
}
