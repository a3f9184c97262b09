//! The works in BigQuery's sample table: their titles, and the years that the table gives them.

use crate::config::Table;

/// The table that contains these corpora.
const TABLE: &str = "bigquery-public-data.samples.shakespeare";

/// A work in the sample table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    /// The name of its corpus.
    key: &'static str,
    /// Its title, as people write it.
    pub(super) title: &'static str,
    /// The table's `corpus_date`; none if that is 0. It is here so that the query does not need to read the column.
    pub(super) year: Option<u16>,
}

/// Whether the table is the one with these works.
pub(super) fn are_in(table: &Table) -> bool {
    table.to_string() == TABLE
}

/// The work of this corpus; none if the corpus was added to the table later.
pub(super) fn work(corpus: &str) -> Option<&'static Work> {
    let at = WORKS.binary_search_by_key(&corpus, |work| work.key).ok()?;
    WORKS.get(at)
}

const fn dated(key: &'static str, title: &'static str, year: u16) -> Work {
    Work {
        key,
        title,
        year: Some(year),
    }
}

const fn undated(key: &'static str, title: &'static str) -> Work {
    Work {
        key,
        title,
        year: None,
    }
}

/// Sorted by key.
const WORKS: [Work; 42] = [
    dated("1kinghenryiv", "Henry IV, Part 1", 1597),
    dated("1kinghenryvi", "Henry VI, Part 1", 1590),
    dated("2kinghenryiv", "Henry IV, Part 2", 1598),
    dated("2kinghenryvi", "Henry VI, Part 2", 1590),
    dated("3kinghenryvi", "Henry VI, Part 3", 1590),
    dated("allswellthatendswell", "All's Well That Ends Well", 1603),
    dated("antonyandcleopatra", "Antony and Cleopatra", 1606),
    dated("asyoulikeit", "As You Like It", 1599),
    dated("comedyoferrors", "The Comedy of Errors", 1592),
    dated("coriolanus", "Coriolanus", 1607),
    dated("cymbeline", "Cymbeline", 1609),
    dated("hamlet", "Hamlet", 1600),
    dated("juliuscaesar", "Julius Caesar", 1599),
    dated("kinghenryv", "Henry V", 1599),
    dated("kinghenryviii", "Henry VIII", 1612),
    dated("kingjohn", "King John", 1596),
    dated("kinglear", "King Lear", 1603),
    dated("kingrichardii", "Richard II", 1595),
    dated("kingrichardiii", "Richard III", 1592),
    dated("loverscomplaint", "A Lover's Complaint", 1609),
    dated("loveslabourslost", "Love's Labour's Lost", 1594),
    dated("macbeth", "Macbeth", 1603),
    dated("measureforemeasure", "Measure for Measure", 1603),
    dated("merchantofvenice", "The Merchant of Venice", 1596),
    dated("merrywivesofwindsor", "The Merry Wives of Windsor", 1600),
    dated("midsummersnightsdream", "A Midsummer Night's Dream", 1595),
    dated("muchadoaboutnothing", "Much Ado About Nothing", 1599),
    dated("othello", "Othello", 1603),
    dated("periclesprinceoftyre", "Pericles, Prince of Tyre", 1608),
    dated("rapeoflucrece", "The Rape of Lucrece", 1609),
    dated("romeoandjuliet", "Romeo and Juliet", 1596),
    undated("sonnets", "Sonnets"),
    dated("tamingoftheshrew", "The Taming of the Shrew", 1593),
    dated("tempest", "The Tempest", 1611),
    dated("timonofathens", "Timon of Athens", 1607),
    dated("titusandronicus", "Titus Andronicus", 1593),
    dated("troilusandcressida", "Troilus and Cressida", 1602),
    dated("twelfthnight", "Twelfth Night", 1602),
    dated("twogentlemenofverona", "The Two Gentlemen of Verona", 1594),
    undated("various", "Various poems"),
    dated("venusandadonis", "Venus and Adonis", 1609),
    dated("winterstale", "The Winter's Tale", 1610),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_work() {
        for known in &WORKS {
            assert_eq!(work(known.key), Some(known));
        }
        assert_eq!(work("macbeth2"), None);
        assert!(are_in(&TABLE.parse().unwrap()));
        assert!(!are_in(&"my-project.samples.shakespeare".parse().unwrap()));
    }

    /// The stand-in's table has BigQuery's names and years.
    #[cfg(feature = "standin")]
    #[test]
    fn titles_and_years_are_those_of_the_table() {
        let shipped = bigquery_standin::data::shipped().unwrap();
        let query = bigquery_standin::sql::Query {
            sql: "SELECT DISTINCT corpus, corpus_date FROM samples.shakespeare",
            project: "bigquery-public-data",
            dataset: None,
            parameters: &[],
        };
        let rows = shipped.run(&shipped.prepare(&query).unwrap()).unwrap();
        assert!(rows.len() > 40, "only {} corpora", rows.len());
        for row in rows {
            let [Some(corpus), Some(year)] = row.as_slice() else {
                panic!("{row:?}")
            };
            let work = work(corpus).unwrap_or_else(|| panic!("{corpus} has no title"));
            assert_eq!(work.year.unwrap_or_default().to_string(), *year, "{corpus}");
        }
    }
}
