//! The differences between two tables of word counts.

use std::collections::HashMap;
use std::fmt::{Display, Formatter, Result as Formatted};

use bigquery_standin::sql::{Database, Query};

/// This many of their most frequent words are compared.
const FREQUENT: usize = 2_000;
/// A word differs much if its totals differ by more than this share of theirs.
const FAR: f64 = 0.1;
/// Words that are listed whatever their difference: frequent ones, and names, which are in capitals as speakers.
const NAMED: [&str; 10] = [
    "the", "love", "death", "Romeo", "ROMEO", "Ophelia", "OPHELIA", "KING", "QUEEN", "First",
];

/// Something that both tables count.
pub(crate) struct Pair {
    /// A corpus or a word.
    pub(crate) name: String,
    /// Its total in their table.
    pub(crate) theirs: i64,
    /// Its total in our table.
    pub(crate) ours: i64,
}

impl Pair {
    /// The difference as a share of theirs.
    #[expect(clippy::cast_precision_loss, reason = "a total of words is below 2^53")]
    pub(crate) fn difference(&self) -> f64 {
        (self.ours - self.theirs) as f64 / self.theirs as f64
    }
}

/// The differences between two tables of word counts.
pub(crate) struct Comparison {
    /// Every corpus of theirs, with all its words.
    pub(crate) corpora: Vec<Pair>,
    /// Their most frequent words.
    pub(crate) words: Vec<Pair>,
    /// The words of [`NAMED`].
    pub(crate) named: Vec<Pair>,
}

impl Comparison {
    /// # Errors
    ///
    /// A table that cannot be queried because it lacks BigQuery's columns.
    pub(crate) fn new(theirs: &Database, ours: &Database) -> Result<Self, String> {
        let mut corpora = pairs("corpus", theirs, ours)?;
        corpora.sort_by(|a, b| a.name.cmp(&b.name));
        let mut words = pairs("word", theirs, ours)?;
        let place = |pair: &Pair| NAMED.iter().position(|name| *name == pair.name);
        let mut named: Vec<_> = words.extract_if(.., |pair| place(pair).is_some()).collect();
        named.sort_by_key(place);
        words.extend(named.iter().map(|pair| Pair {
            name: pair.name.clone(),
            ..*pair
        }));
        words.sort_by(|a, b| b.theirs.cmp(&a.theirs).then_with(|| a.name.cmp(&b.name)));
        words.truncate(FREQUENT);
        Ok(Self {
            corpora,
            words,
            named,
        })
    }

    /// The frequent words that differ much.
    pub(crate) fn far(&self) -> impl Iterator<Item = &Pair> {
        self.words.iter().filter(|pair| pair.difference().abs() > FAR)
    }
}

/// The totals of everything in a column of their table.
fn pairs(column: &str, theirs: &Database, ours: &Database) -> Result<Vec<Pair>, String> {
    let ours: HashMap<_, _> = totals(column, ours)?.into_iter().collect();
    let pair = |(name, theirs): (String, i64)| {
        let ours = ours.get(&name).copied().unwrap_or(0);
        Pair { name, theirs, ours }
    };
    Ok(totals(column, theirs)?.into_iter().map(pair).collect())
}

fn totals(column: &str, database: &Database) -> Result<Vec<(String, i64)>, String> {
    let sql = format!("SELECT {column}, SUM(word_count) FROM samples.shakespeare GROUP BY 1");
    let query = Query {
        sql: &sql,
        project: "bigquery-public-data",
        dataset: None,
        parameters: &[],
    };
    let rows = database
        .prepare(&query)
        .and_then(|statement| database.run(&statement))
        .map_err(|error| error.message)?;
    let total = |row: Vec<Option<String>>| match <[_; 2]>::try_from(row) {
        Ok([Some(name), Some(total)]) => total.parse().ok().map(|total| (name, total)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(total).collect())
}

/// As in `standin/data/README.md`.
impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        let far: Vec<_> = self.far().collect();
        writeln!(
            f,
            "Of the {} most frequent words of BigQuery's table, {} differ here by more than 10 %:\n",
            self.words.len(),
            far.len()
        )?;
        table(f, "word", far)?;
        writeln!(f, "\nOther words:\n")?;
        table(f, "word", &self.named)?;
        writeln!(f, "\nAll words of a corpus:\n")?;
        table(f, "corpus", &self.corpora)
    }
}

fn table<'p>(f: &mut Formatter<'_>, head: &str, pairs: impl IntoIterator<Item = &'p Pair>) -> Formatted {
    writeln!(
        f,
        "| {head} | BigQuery | here | difference |\n|---|---:|---:|---:|"
    )?;
    for pair in pairs {
        let difference = 100.0 * pair.difference();
        writeln!(
            f,
            "| {} | {} | {} | {difference:+.1} % |",
            pair.name, pair.theirs, pair.ours
        )?;
    }
    Ok(())
}
