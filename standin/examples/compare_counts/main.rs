//! Compares a table of word counts with another, such as BigQuery's own.
//!
//! `cargo run -p bigquery-standin --example compare_counts -- THEIRS [OURS]`: files that `--data` accepts; without
//! `OURS`, the table that the stand-in ships. The tables that it prints are in `standin/data/README.md`.

mod comparison;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use bigquery_standin::data;
use comparison::Comparison;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let (theirs, ours) = match arguments.as_slice() {
        [theirs] => (theirs, None),
        [theirs, ours] => (theirs, Some(ours)),
        _ => {
            eprintln!("usage: compare_counts THEIRS [OURS]");
            return ExitCode::from(2);
        }
    };
    match compare(Path::new(theirs), ours.map(Path::new)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare_counts: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(theirs: &Path, ours: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let ours = ours.map_or_else(data::shipped, data::load)?;
    let comparison = Comparison::new(&data::load(theirs)?, &ours)?;
    Ok(write!(std::io::stdout(), "{comparison}")?)
}
