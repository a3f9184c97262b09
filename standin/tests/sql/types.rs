//! A query's columns and bytes are known before it runs.

use bigquery_standin::sql::Type;

use crate::support::{database, prepare, scalar};

#[test]
fn columns_are_typed_without_rows() {
    for (list, columns) in [
        ("word, word_count", "word STRING, word_count INT64"),
        (
            "SUM(word_count) AS n, AVG(word_count), COUNT(*)",
            "n INT64, f0_ FLOAT64, f1_ INT64",
        ),
        (
            "word_count / 2, word_count * 2, word_count * 2.0",
            "f0_ FLOAT64, f1_ INT64, f2_ FLOAT64",
        ),
        (
            "CONCAT(word, 'x') AS c, UPPER(word) AS u, word = 'a' AS e",
            "c STRING, u STRING, e BOOL",
        ),
        (
            "1, 1.0, 'a', TRUE, NULL",
            "f0_ INT64, f1_ FLOAT64, f2_ STRING, f3_ BOOL, f4_ INT64",
        ),
        (
            "CAST(word AS INT64) AS i, SAFE_CAST(word AS FLOAT64) AS f",
            "i INT64, f FLOAT64",
        ),
        ("@p, IF(TRUE, 1, 2.0) AS m", "f0_ TIMESTAMP, m FLOAT64"),
        ("MIN(word), MAX(word_count)", "f0_ STRING, f1_ INT64"),
        (
            "*",
            "word STRING, word_count INT64, corpus STRING, corpus_date INT64",
        ),
        (
            "s.word, 1 AS word_2, s.*  EXCEPT (word)",
            "word STRING, word_2 INT64, word_count INT64, corpus STRING, corpus_date INT64",
        ),
    ] {
        let sql = format!("SELECT {list} FROM samples.shakespeare AS s WHERE FALSE");
        let parameters = [scalar("p", Type::Timestamp, "2024-01-01 00:00:00 UTC")];
        let statement = prepare(&sql, &parameters).unwrap();
        let found: Vec<_> = statement
            .columns()
            .iter()
            .map(|c| format!("{} {}", c.name, c.kind.sql_name()))
            .collect();
        assert_eq!(found.join(", "), columns, "{list}");
    }
}

#[test]
fn bytes_are_those_of_the_columns_named() {
    let bytes = |sql: &str| prepare(sql, &[]).unwrap().bytes();
    let rows = database().tables()[0].rows;
    assert_eq!(bytes("SELECT COUNT(*) FROM samples.shakespeare"), 0);
    assert_eq!(bytes("SELECT 1"), 0);
    assert_eq!(
        bytes("SELECT word_count FROM samples.shakespeare LIMIT 1"),
        rows * 8
    );
    assert_eq!(
        bytes("SELECT word_count, corpus_date FROM samples.shakespeare WHERE word_count > 1"),
        rows * 16
    );
    let all = database().tables()[0].bytes;
    assert_eq!(bytes("SELECT * FROM samples.shakespeare"), all);
    assert_eq!(
        bytes("SELECT word, corpus FROM samples.shakespeare"),
        all - rows * 16
    );
}
