//! The table that the stand-in serves: word counts per corpus of Shakespeare.

mod read;

use std::path::Path;

use rusqlite::types::ValueRef;

use crate::sql::{Column, Database, Loader, Table, TableName, Type};

/// Our own count of the words; see `data/README.md`.
const SHIPPED: &[u8] = include_bytes!("../../data/shakespeare.tsv.zst");
/// The creation time of BigQuery's own table, in milliseconds since 1970.
const CREATED_MS: u64 = 1_335_916_045_099;

/// A file that cannot be read, or is not a table.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the table {path}: {source}: expected the path of a table file in --data")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A line is malformed.
    #[error("{path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: String,
        /// The line's number, from 1.
        line: u64,
        /// The mistake, and what would be right.
        reason: String,
    },
    /// SQLite cannot load the table.
    #[error("cannot load the table into memory: {0}")]
    Hold(#[from] rusqlite::Error),
}

/// The table that ships with the stand-in.
///
/// # Errors
///
/// None are expected: the file is part of the program.
pub fn shipped() -> Result<Database, LoadError> {
    table(SHIPPED, "the shipped table")
}

/// A table from a file, plain or zstd. It is either a CSV with the header `word,word_count,corpus,corpus_date`, or text
/// in which `#corpus<TAB>corpus_date` begins a corpus and each line after it is `word[<TAB>count]`, with the count 1 if
/// it is omitted.
///
/// # Errors
///
/// A file that cannot be read, or has any other content: the message names the line.
pub fn load(path: &Path) -> Result<Database, LoadError> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => table(&bytes, &name),
        Err(source) => Err(LoadError::Read { path: name, source }),
    }
}

fn table(bytes: &[u8], path: &str) -> Result<Database, LoadError> {
    let text = read::unpack(bytes).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let rows = read::rows(&text).map_err(|(line, reason)| LoadError::Line {
        path: path.to_owned(),
        line,
        reason,
    })?;
    let column = |name: &str, kind| Column {
        name: name.to_owned(),
        kind,
    };
    let metadata = Table {
        name: TableName {
            project: "bigquery-public-data".to_owned(),
            dataset: "samples".to_owned(),
            table: "shakespeare".to_owned(),
        },
        columns: vec![
            column("word", Type::String),
            column("word_count", Type::Integer),
            column("corpus", Type::String),
            column("corpus_date", Type::Integer),
        ],
        location: "US".to_owned(),
        rows: 0,
        bytes: 0,
        created_ms: CREATED_MS,
    };
    let mut loader = Loader::new()?;
    let cells = rows.iter().map(|row| {
        vec![
            ValueRef::Text(row.word.as_bytes()),
            ValueRef::Integer(row.word_count),
            ValueRef::Text(row.corpus.as_bytes()),
            ValueRef::Integer(row.corpus_date),
        ]
    });
    loader.table(metadata, cells)?;
    Ok(loader.finish()?)
}
