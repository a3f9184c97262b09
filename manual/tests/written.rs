//! A reader of man pages and each shell accept the output of the crate.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use clap::CommandFactory;
use wordtally::cli::Cli;

fn run(folder: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wordtally-manual"))
        .args(folder)
        .output()
        .unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text under a heading, up to the next one.
fn section<'page>(page: &'page str, heading: &str) -> &'page str {
    let (_, below) = page
        .split_once(&format!("\n.SH {heading}\n"))
        .unwrap_or_else(|| panic!("{heading}: {page}"));
    below.split("\n.SH ").next().unwrap_or_default()
}

#[test]
fn every_command_has_a_page_that_says_each_of_its_flags_and_variables() {
    let share = tempfile::tempdir().unwrap();
    assert!(run(&[share.path()]).status.success());
    let mut cli = Cli::command();
    cli.build();
    let mut commands = vec![("wordtally".to_owned(), &cli)];
    let mut pages = 0;
    while let Some((name, command)) = commands.pop() {
        let page = read(&share.path().join(format!("man/man1/{name}.1"))).replace("\\-", "-");
        assert!(page.contains(&format!(".TH {name} 1")), "{name}: {page}");
        let options = section(&page, "OPTIONS");
        for arg in command.get_arguments() {
            let item = match (arg.get_long(), arg.get_value_names()) {
                (Some(long), _) => format!("\\fB--{long}\\fR"),
                (None, Some([value])) => format!("\n<\\fI{value}\\fR>\n"),
                other => panic!("{name}: {other:?}"),
            };
            assert!(options.contains(&item), "{name}: {item}");
            if let Some(variable) = arg.get_env() {
                let variable = format!("\\fB{}\\fR environment variable", variable.display());
                assert!(options.contains(&variable), "{name}: {variable}");
            }
        }
        let sections = page.contains("\n.SH EXAMPLES\n.EX\nwordtally ")
            && page.contains("\n.SH \"EXIT STATUS\"\n.TP\n0\n");
        assert!(sections || name == "wordtally-standin", "{name}: {page}");
        pages += 1;
        commands.extend(
            command
                .get_subcommands()
                .map(|sub| (format!("{name}-{}", sub.get_name()), sub)),
        );
    }
    assert!(pages > 6, "{pages} pages");
    let there = fs::read_dir(share.path().join("man/man1")).unwrap().count();
    assert_eq!(there, pages, "a page of no command");
}

#[test]
fn bash_completes_commands_and_flags() {
    let share = tempfile::tempdir().unwrap();
    assert!(run(&[share.path()]).status.success());
    for (typed, wanted) in [("se", "serve"), ("serve --max-s", "--max-stale")] {
        let words: Vec<&str> = std::iter::once("wordtally").chain(typed.split(' ')).collect();
        let script = format!(
            ". '{}'\nCOMP_WORDS=({}) COMP_CWORD={}\n_wordtally wordtally '{}' '{}'\necho \"${{COMPREPLY[*]}}\"",
            share
                .path()
                .join("bash-completion/completions/wordtally")
                .display(),
            words.join(" "),
            words.len() - 1,
            words.last().unwrap(),
            words[words.len() - 2],
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            said.trim(),
            wanted,
            "{typed}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn a_wrong_call_is_one_line_that_says_what_is_right() {
    let folder = Path::new("/nonexistent/share");
    for arguments in [&[][..], &[folder, folder]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(
            line.lines().count() == 1 && line.contains("expected one argument"),
            "{line}"
        );
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(run(&[file.path()]).status.code(), Some(1));
}
