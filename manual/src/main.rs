//! Writes the man pages and the shell completions for the command line of `wordtally`, in the layout of a package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use wordtally::cli::Cli;

/// Each shell, the folder below `share` in which it looks, and the name of the file.
const SHELLS: [(Shell, &str, &str); 3] = [
    (Shell::Bash, "bash-completion/completions", "wordtally"),
    (Shell::Fish, "fish/vendor_completions.d", "wordtally.fish"),
    (Shell::Zsh, "zsh/site-functions", "_wordtally"),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        eprintln!("wordtally-manual: expected one argument, the folder to write to, e.g. $out/share");
        return ExitCode::from(2);
    };
    match write(&PathBuf::from(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wordtally-manual: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(share: &Path) -> io::Result<()> {
    let pages = share.join("man/man1");
    fs::create_dir_all(&pages)?;
    let mut cli = Cli::command();
    cli.build();
    write_pages(&cli, &pages)?;
    for (shell, folder, name) in SHELLS {
        let mut completions = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "wordtally", &mut completions);
        let folder = share.join(folder);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), completions)?;
    }
    Ok(())
}

/// The page of a command, and those of its subcommands.
fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    let page = Man::new(command.clone())
        .source(concat!("wordtally ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    let ending = command.get_after_help().map(ToString::to_string);
    text.extend(sections(&ending.unwrap_or_default()).bytes());
    fs::write(folder.join(page.get_filename()), text)?;
    command
        .get_subcommands()
        .try_for_each(|command| write_pages(command, folder))
}

/// The end of a command's help, as separate sections: the generator would wrap its lines into one paragraph.
fn sections(ending: &str) -> String {
    let mut page = String::new();
    for line in ending.replace('\\', "\\e").replace('-', "\\-").lines() {
        match (line, line.trim().split_once("  ")) {
            ("Examples:", _) => page.push_str(".SH EXAMPLES\n"),
            ("Exit codes:", _) => page.push_str(".SH \"EXIT STATUS\"\n"),
            ("", _) => {}
            (_, Some((code, meaning))) => page.push_str(&format!(".TP\n{code}\n{meaning}\n")),
            (_, None) => page.push_str(&format!(".EX\n{}\n.EE\n", line.trim())),
        }
    }
    page
}
