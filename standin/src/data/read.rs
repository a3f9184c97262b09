//! Reads a table from a file's bytes.

use std::borrow::Cow;
use std::io::{Error, ErrorKind, Read as _};

/// The first bytes of a zstd file.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The largest unpacked size of a file, in bytes.
const MAX_TEXT: u64 = 512 * 1024 * 1024;
/// The first line of a CSV.
const HEADER: [&str; 4] = ["word", "word_count", "corpus", "corpus_date"];

/// One row of the table.
pub(super) struct Row<'t> {
    pub(super) word: Cow<'t, str>,
    pub(super) word_count: i64,
    pub(super) corpus: Cow<'t, str>,
    pub(super) corpus_date: i64,
}

/// A line's number, and what is wrong with it.
type Wrong = (u64, String);

/// The file's text, unpacked if it is zstd.
///
/// # Errors
/// A broken zstd file, one that unpacks to too much, or text that is not UTF-8.
pub(super) fn unpack(bytes: &[u8]) -> Result<String, Error> {
    let mut text = Vec::new();
    if bytes.starts_with(&ZSTD) {
        zstd::Decoder::new(bytes)?
            .take(MAX_TEXT + 1)
            .read_to_end(&mut text)?;
    } else {
        text.extend_from_slice(bytes);
    }
    if text.len() as u64 > MAX_TEXT {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("it has more than {MAX_TEXT} bytes of text"),
        ));
    }
    String::from_utf8(text)
        .map_err(|error| Error::new(ErrorKind::InvalidData, format!("it is not UTF-8: {error}")))
}

/// The rows, in the file's order.
///
/// # Errors
/// The first line that is wrong.
pub(super) fn rows(text: &str) -> Result<Vec<Row<'_>>, Wrong> {
    if text.starts_with('#') {
        compact(text)
    } else {
        comma_separated(text)
    }
}

fn compact(text: &str) -> Result<Vec<Row<'_>>, Wrong> {
    let mut rows = Vec::new();
    let (mut corpus, mut corpus_date) = ("", 0);
    for (number, line) in (1_u64..).zip(text.lines()) {
        let wrong = |reason: &str| (number, format!("{reason}, found {line:?}"));
        if let Some(head) = line.strip_prefix('#') {
            let date = head
                .split_once('\t')
                .and_then(|(name, date)| Some((name, date.parse::<i64>().ok()?)));
            (corpus, corpus_date) = date
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| wrong("expected #corpus, a tab and the corpus's year"))?;
            continue;
        }
        let (word, count) = match line.split_once('\t') {
            Some((word, count)) => (word, count.parse::<i64>().ok()),
            None => (line, Some(1)),
        };
        let count = count.filter(|_| !word.is_empty());
        let word_count =
            count.ok_or_else(|| wrong("expected a word, then a tab and its count unless that is 1"))?;
        rows.push(Row {
            word: word.into(),
            word_count,
            corpus: corpus.into(),
            corpus_date,
        });
    }
    Ok(rows)
}

fn comma_separated(text: &str) -> Result<Vec<Row<'_>>, Wrong> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    let mut headed = false;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) if headed => return Ok(rows),
            Ok(false) => {
                return Err((
                    1,
                    format!("expected the header {}, found nothing", HEADER.join(",")),
                ));
            }
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                return Err((line, format!("expected four fields, as in the header: {error}")));
            }
        }
        let line = record.position().map_or(1, csv::Position::line);
        if !headed {
            if !record.iter().eq(HEADER) {
                let found: Vec<_> = record.iter().take(8).collect();
                return Err((
                    line,
                    format!(
                        "expected the header {}, found {:?}",
                        HEADER.join(","),
                        found.join(",")
                    ),
                ));
            }
            headed = true;
            continue;
        }
        let mut fields = record.iter();
        let mut next = || fields.next().unwrap_or_default();
        let (word, count, corpus, date) = (next(), next(), next(), next());
        let number = |name: &str, text: &str| {
            text.parse::<i64>()
                .map_err(|_| (line, format!("expected a whole number as {name}, found {text:?}")))
        };
        rows.push(Row {
            word: word.to_owned().into(),
            word_count: number("word_count", count)?,
            corpus: corpus.to_owned().into(),
            corpus_date: number("corpus_date", date)?,
        });
    }
}
