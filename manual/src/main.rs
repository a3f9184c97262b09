//! Writes the man pages and the shell completions of `wordtally`, as its command line is, where a package has them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use wordtally::cli::Cli;

/// Each shell, the folder in which it looks below `share`, and what it calls the file.
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
    clap_mangen::generate_to(Cli::command(), &pages)?;
    for (shell, folder, name) in SHELLS {
        let mut completions = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "wordtally", &mut completions);
        let folder = share.join(folder);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), completions)?;
    }
    Ok(())
}
