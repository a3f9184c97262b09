//! Deploys signed releases to hosts, from wherever they are built.

use std::process::ExitCode;

use wordtally_deploy::cli::Cli;
use wordtally_deploy::deployer;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match deployer::run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("deploy: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
