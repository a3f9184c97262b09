//! The reference lists the options of the command line.

use clap::CommandFactory;
use wordtally_deploy::cli::Cli;

fn reference() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/deployment.md");
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn each_command_and_each_of_its_options_is_listed() {
    let reference = reference();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let of_releases = ["publish", "attest", "verify", "verify-image", "keys"].contains(&name);
        assert!(
            reference.contains(&format!("`{name}`")) || reference.contains(&format!("`{name} HOST")),
            "{name} is not listed"
        );
        for option in command.get_arguments().filter(|_| !of_releases) {
            let Some(long) = option.get_long().filter(|long| *long != "help") else {
                continue;
            };
            let row = reference
                .lines()
                .find(|line| line.starts_with(&format!("| `--{long}")));
            let row = row.unwrap_or_else(|| panic!("--{long} of {name} is not listed"));
            assert!(
                row.contains("with a `HOST`") || row.contains(&format!("`{name}`")),
                "{name}: {row}"
            );
            for default in option
                .get_default_values()
                .iter()
                .filter(|value| *value != "false")
            {
                assert!(
                    row.contains(default.to_str().unwrap()),
                    "the default {default:?}: {row}"
                );
            }
        }
    }
}

#[test]
fn each_limit_is_the_program_s() {
    let reference = reference();
    let minutes = |time: std::time::Duration| format!("{} minutes", time.as_secs() / 60);
    for (what, value) in [
        (
            "| sending a host the paths that it lacks",
            minutes(wordtally_deploy::deployer::SEND_LIMIT),
        ),
        (
            "| a deployment, its rollback included",
            minutes(wordtally_deploy::deployer::DEADLINE),
        ),
    ] {
        let row = reference.lines().find(|line| line.starts_with(what)).unwrap();
        assert!(row.contains(&value), "{value}: {row}");
    }
}
