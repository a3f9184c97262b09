//! The shipped table is the one that `count_words` made.

use crate::support::{ask, database};

#[test]
fn the_totals_are_known() {
    let table = &database().tables()[0];
    assert_eq!(
        (table.rows, table.bytes, table.location.as_str()),
        (162_925, 6_366_210, "US")
    );
    let names: Vec<_> = table
        .columns
        .iter()
        .map(|c| format!("{} {}", c.name, c.kind.sql_name()))
        .collect();
    assert_eq!(
        names.join(", "),
        "word STRING, word_count INT64, corpus STRING, corpus_date INT64"
    );
    let sums =
        "SELECT COUNT(*), SUM(word_count), COUNT(DISTINCT corpus), SUM(corpus_date) FROM samples.shakespeare";
    let answer = ask(sums).unwrap();
    assert!(answer[0].starts_with("162925|924875|41|"), "{answer:?}");
    let the = |corpus| {
        let sql = "SELECT word_count FROM samples.shakespeare WHERE word = 'the' AND corpus =";
        ask(&format!("{sql} '{corpus}'")).unwrap()
    };
    assert_eq!(the("hamlet"), ["994"]);
    assert_eq!(the("various"), ["72"]);
    assert_eq!(the("sonnets"), ["358"]);
    assert_eq!(the("venusandadonis"), [""; 0]);
}

#[test]
fn every_word_is_one_and_stands_once() {
    let doubles = "SELECT word, corpus FROM samples.shakespeare GROUP BY 1, 2 HAVING COUNT(*) > 1";
    assert_eq!(ask(doubles).unwrap(), [""; 0]);
    let odd =
        "SELECT word FROM samples.shakespeare WHERE word_count < 1 OR word LIKE '% %' OR word = '' LIMIT 5";
    assert_eq!(ask(odd).unwrap(), [""; 0]);
}
