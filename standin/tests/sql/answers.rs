//! The engine answers as BigQuery does. The expected values are from BigQuery's documentation.

use std::collections::BTreeMap;

use bigquery_standin::sql::{Parameter, ParameterValue, Query, Type};

use crate::support::{array, ask, ask_with, database, prepare, scalar, shipped};

/// The service's query: each row is a corpus with the word's count and that of all words, or another case of the word.
const SERVICE: &str = "SELECT IF(spelling = @word, corpus, NULL) AS corpus, SUM(total_words) AS total_words, \
    SUM(corpus_words) AS corpus_words, NULLIF(spelling, @word) AS other_case \
    FROM (SELECT *, SUM(total_words) OVER (PARTITION BY corpus) AS corpus_words \
    FROM (SELECT corpus, IF(LOWER(word) = LOWER(@word), word, NULL) AS spelling, SUM(word_count) AS total_words \
    FROM `bigquery-public-data.samples.shakespeare` GROUP BY 1, 2)) \
    WHERE spelling IS NOT NULL GROUP BY 1, 4 \
    ORDER BY other_case IS NULL DESC, total_words DESC, corpus, other_case";
/// The query of the exercise, with an order.
const PER_CORPUS: &str = "SELECT corpus, SUM(word_count) AS total_words \
    FROM `bigquery-public-data.samples.shakespeare` WHERE word = @word GROUP BY corpus ORDER BY total_words DESC, corpus";
const ALL_WORDS: &str =
    "SELECT corpus, SUM(word_count) FROM `bigquery-public-data.samples.shakespeare` GROUP BY corpus";
const OTHER_CASES: &str = "SELECT word, SUM(word_count) AS total_words \
    FROM `bigquery-public-data.samples.shakespeare` WHERE LOWER(word) = LOWER(@word) AND word != @word \
    GROUP BY word ORDER BY total_words DESC, word";

/// One query returns the results of three, and reads the same bytes as the first of them.
#[test]
fn the_services_query_answers_three_questions_for_the_price_of_one() {
    let all_words = ask(ALL_WORDS).unwrap();
    for word in ["the", "The", "romeo", "ROMEO", "xyzzy", "x' OR '1'='1", "%"] {
        let parameters = [scalar("word", Type::String, word)];
        let rows = ask_with(SERVICE, &parameters).unwrap();
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.split('|').collect()).collect();
        let (own, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[3] == "NULL");
        let counts: Vec<_> = own.iter().map(|row| format!("{}|{}", row[0], row[1])).collect();
        assert_eq!(counts, ask_with(PER_CORPUS, &parameters).unwrap(), "{word}");
        for row in &own {
            assert!(all_words.contains(&format!("{}|{}", row[0], row[2])), "{row:?}");
        }
        let others: Vec<_> = others
            .iter()
            .map(|row| format!("{}|{}", row[3], row[1]))
            .collect();
        assert_eq!(others, ask_with(OTHER_CASES, &parameters).unwrap(), "{word}");
        let bytes = |sql| prepare(sql, &parameters).unwrap().bytes();
        assert_eq!(bytes(SERVICE), bytes(PER_CORPUS));
    }
    let romeo = ask_with(SERVICE, &[scalar("word", Type::String, "romeo")]).unwrap();
    assert!(romeo[0].ends_with("|ROMEO"), "{romeo:?}");
}

#[test]
fn the_counts_are_those_of_the_file() {
    let rows = ask_with(PER_CORPUS, &[scalar("word", Type::String, "the")]).unwrap();
    let rows: Vec<(String, i64)> = rows
        .iter()
        .map(|row| row.split_once('|').unwrap())
        .map(|(corpus, total)| (corpus.to_owned(), total.parse().unwrap()))
        .collect();
    assert!(rows.is_sorted_by(|(_, a), (_, b)| a >= b));
    assert_eq!(rows[0].0, "hamlet");
    assert_eq!(rows.len(), 42);
    assert_eq!(rows.into_iter().collect::<BTreeMap<_, _>>(), shipped("the"));
}

#[test]
fn an_aggregate_over_a_window_keeps_every_row() {
    let rows = |list: &str| {
        ask(&format!(
            "SELECT {list} FROM (SELECT 1 AS x, 'a' AS y UNION ALL SELECT 2, 'a' UNION ALL SELECT 4, CAST(NULL AS STRING) \
             UNION ALL SELECT CAST(NULL AS INT64), CAST(NULL AS STRING)) ORDER BY x"
        ))
        .unwrap()
    };
    assert_eq!(
        rows("x, SUM(x) OVER (PARTITION BY y)"),
        ["NULL|4", "1|3", "2|3", "4|4"]
    );
    assert_eq!(
        rows("x, COUNT(*) OVER (), COUNT(x) OVER (PARTITION BY y IS NULL)"),
        ["NULL|4|1", "1|4|2", "2|4|2", "4|4|1"]
    );
    assert_eq!(
        rows("x, MIN(x) OVER (PARTITION BY y) + MAX(x) OVER (), COUNTIF(x > 1) OVER () AS n"),
        ["NULL|8|2", "1|5|2", "2|5|2", "4|8|2"]
    );
}

#[test]
fn words_are_case_sensitive_and_bound_as_data() {
    let count = |word: &str| {
        let rows = ask_with(PER_CORPUS, &[scalar("WORD", Type::String, word)]).unwrap();
        let totals = rows
            .iter()
            .map(|row| row.split_once('|').unwrap().1.parse::<i64>().unwrap());
        totals.sum::<i64>()
    };
    assert!(count("The") > 0 && count("The") < count("the"));
    assert_eq!(count("x' OR '1'='1"), 0);
}

#[test]
fn a_table_goes_by_every_form_of_its_name() {
    for table in [
        "`bigquery-public-data.samples.shakespeare`",
        "bigquery-public-data.samples.shakespeare",
        "`bigquery-public-data`.samples.shakespeare",
        "samples.shakespeare",
        "`samples.shakespeare` AS s",
    ] {
        assert_eq!(
            ask(&format!("SELECT COUNT(*) FROM {table}")).unwrap(),
            [database().tables()[0].rows.to_string()],
            "{table}"
        );
    }
    let default = Query {
        sql: "SELECT COUNT(DISTINCT corpus) FROM shakespeare",
        project: "elsewhere",
        dataset: Some(("bigquery-public-data", "samples")),
        parameters: &[],
    };
    let statement = database().prepare(&default).unwrap();
    assert_eq!(database().run(&statement).unwrap(), [[Some("42".to_owned())]]);
}

#[test]
fn the_tables_of_a_query_are_found() {
    let tables = |sql| {
        let query = Query {
            sql,
            project: "home",
            dataset: Some(("home", "d")),
            parameters: &[],
        };
        let names = database().tables_of(&query).unwrap();
        names
            .into_iter()
            .map(|n| format!("{}:{}.{}", n.project, n.dataset, n.table))
            .collect::<Vec<_>>()
    };
    assert_eq!(tables("SELECT 1"), [""; 0]);
    assert_eq!(tables("SELECT x FROM UNNEST(@a) AS x"), [""; 0]);
    assert_eq!(tables("SELECT nonsense(1) FROM `a-b.c.d`"), ["a-b:c.d"]);
    assert_eq!(
        tables("SELECT * FROM a-b.c.d, e.f, g, e.f"),
        ["a-b:c.d", "home:e.f", "home:d.g"]
    );
    assert_eq!(
        tables("WITH w AS (SELECT * FROM x.y) SELECT * FROM w JOIN W ON true"),
        ["home:x.y"]
    );
    assert_eq!(
        tables("SELECT (SELECT 1 FROM b.c) FROM (SELECT 2 FROM b.d) WHERE 1 IN (SELECT 3 FROM b.e)"),
        ["home:b.c", "home:b.d", "home:b.e"]
    );
}

#[test]
fn expressions_have_bigquery_s_values() {
    for (expression, value) in [
        ("1", "1"),
        ("9007199254740993", "9007199254740993"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1 + 2 * 3", "7"),
        ("7 / 2", "3.5"),
        ("4 / 2", "2.0"),
        ("DIV(7, 2)", "3"),
        ("MOD(-7, 3)", "-1"),
        ("1 + 0.5", "1.5"),
        ("1e10", "1.0E10"),
        ("SAFE_DIVIDE(1, 0)", "NULL"),
        ("'a' || 'b'", "ab"),
        ("'a' || NULL", "NULL"),
        ("CONCAT('a', 'b', 'c')", "abc"),
        (r#""it's""#, "it's"),
        (r"'it\'s'", "it's"),
        (r"r'a\n'", r"a\n"),
        (r"LENGTH('a\n')", "2"),
        ("'''it's'''", "it's"),
        ("'the' = 'The'", "false"),
        ("'the' LIKE 'T%'", "false"),
        ("'the' LIKE 't_e'", "true"),
        ("'thé' LIKE 'th_'", "true"),
        ("'a%c' LIKE r'a\\%c'", "true"),
        ("'abc' LIKE r'a\\%c'", "false"),
        ("'abcbc' LIKE '%bc'", "true"),
        ("'abc' NOT LIKE 'a%'", "false"),
        ("NULL LIKE 'a'", "NULL"),
        ("LENGTH('naïve')", "5"),
        ("BYTE_LENGTH('naïve')", "6"),
        ("UPPER('naïve')", "NAÏVE"),
        ("LOWER('ÀB')", "àb"),
        ("SUBSTR('apple', 2)", "pple"),
        ("SUBSTR('apple', -2)", "le"),
        ("SUBSTR('apple', 0, 2)", "ap"),
        ("SUBSTR('apple', -9, 2)", "ap"),
        ("SUBSTR('apple', 2, 2)", "pp"),
        ("SUBSTR('apple', 123)", ""),
        ("TRIM('  a ')", "a"),
        ("TRIM('**a*', '*')", "a"),
        ("STRPOS('foo@example', '@')", "4"),
        ("REVERSE('abc')", "cba"),
        ("REPLACE('apple pie', 'pie', 'cobbler')", "apple cobbler"),
        (
            "STARTS_WITH('foobar', 'foo') AND ENDS_WITH('foobar', 'bar')",
            "true",
        ),
        ("ROUND(2.5)", "3.0"),
        ("ROUND(-2.5)", "-3.0"),
        ("ROUND(123.7, -1)", "120.0"),
        ("CEIL(2.1)", "3.0"),
        ("FLOOR(-2.1)", "-3.0"),
        ("ABS(-5)", "5"),
        ("SIGN(-2)", "-1"),
        ("IF(1 < 2, 'yes', 'no')", "yes"),
        ("IF(TRUE, 1, 1 / 0)", "1.0"),
        ("CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END", "two"),
        ("CASE WHEN FALSE THEN 1 END", "NULL"),
        ("COALESCE(NULL, NULL, 3)", "3"),
        ("IFNULL(NULL, 'x')", "x"),
        ("NULLIF(1, 1)", "NULL"),
        ("GREATEST(1, 3, 2)", "3"),
        ("LEAST(1, NULL)", "NULL"),
        ("CAST('12' AS INT64)", "12"),
        ("CAST('0x87a' AS INT64)", "2170"),
        ("CAST(1.5 AS INT64)", "2"),
        ("CAST(-0.5 AS INT64)", "-1"),
        ("CAST(7 AS STRING)", "7"),
        ("CAST(TRUE AS STRING)", "true"),
        ("CAST('inf' AS FLOAT64)", "Infinity"),
        ("SAFE_CAST('x' AS INT64)", "NULL"),
        ("1 = 1.0", "true"),
        ("NULL = NULL", "NULL"),
        ("NULL IS NULL", "true"),
        ("(1 = 1) = TRUE", "true"),
        ("(1 = 2) IS NOT TRUE", "true"),
        ("NOT 1 = 2", "true"),
        ("NOT TRUE OR TRUE", "true"),
        ("1 + 2 < 4 AND 'a' || 'b' = 'ab'", "true"),
        ("-2 * -3 - -1", "7"),
        ("1 NOT IN (2, NULL)", "NULL"),
        ("NULL IN (SELECT 1 FROM UNNEST([1]) WHERE FALSE)", "false"),
        ("NULL BETWEEN 1 AND 0", "NULL"),
        ("5 BETWEEN NULL AND 1", "false"),
        ("9007199254740993 = 9007199254740992.0", "false"),
        ("'a' < 'é' AND 'Z' < 'a'", "true"),
        ("DIV(-7, 2)", "-3"),
        ("MOD(7, -3)", "1"),
        ("MOD(-9223372036854775808, -1)", "0"),
        ("CAST(2.5 AS INT64)", "3"),
        ("CAST(-2.5 AS INT64)", "-3"),
        ("CAST(FALSE AS INT64)", "0"),
        ("CAST(-3 AS BOOL)", "true"),
        ("CAST(' 7 ' AS INT64)", "7"),
        ("ROUND(0.5)", "1.0"),
        ("SIGN(0.0)", "0.0"),
        ("NULLIF('a', NULL)", "a"),
        ("IF(NULL, 1, 2)", "2"),
        ("CASE NULL WHEN NULL THEN 1 ELSE 2 END", "2"),
        ("GREATEST(1, 2.5)", "2.5"),
        ("GREATEST('b', 'a')", "b"),
        ("STRPOS('abc', 'z')", "0"),
        ("REPLACE('aaa', 'a', 'bb')", "bbbbbb"),
        ("'' LIKE '%'", "true"),
        ("'' LIKE '_'", "false"),
        ("'ab' LIKE 'a%b%'", "true"),
        ("NULL IS DISTINCT FROM 1", "true"),
        ("NULL IS NOT DISTINCT FROM NULL", "true"),
        ("SAFE_CAST('1e400' AS FLOAT64)", "NULL"),
        ("1 IN (1, NULL)", "true"),
        ("2 IN (1, NULL)", "NULL"),
        ("NOT NULL", "NULL"),
        ("TRUE OR NULL", "true"),
        ("2 BETWEEN 1 AND 3", "true"),
        ("(SELECT 5)", "5"),
        ("(SELECT 5 FROM samples.shakespeare WHERE FALSE)", "NULL"),
        ("EXISTS(SELECT 1)", "true"),
        ("3 IN UNNEST([1, 2, 3])", "true"),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("TIMESTAMP '2016-12-07 08:00:00+00:00'", "1481097600000000"),
        ("UNIX_MICROS(TIMESTAMP_MICROS(1))", "1"),
    ] {
        assert_eq!(
            ask(&format!("SELECT {expression}")),
            Ok(vec![value.to_owned()]),
            "{expression}"
        );
    }
}

#[test]
fn clauses_mean_what_they_mean_in_bigquery() {
    let cases: &[(&str, &[&str])] = &[
        (
            "SELECT x FROM UNNEST([3, 1, 2]) AS x ORDER BY x",
            &["1", "2", "3"],
        ),
        ("SELECT x FROM UNNEST([1, NULL]) AS x ORDER BY x", &["NULL", "1"]),
        (
            "SELECT x FROM UNNEST([1, NULL]) AS x ORDER BY x DESC",
            &["1", "NULL"],
        ),
        (
            "SELECT x FROM UNNEST([1, NULL]) AS x ORDER BY x NULLS LAST",
            &["1", "NULL"],
        ),
        (
            "SELECT x FROM UNNEST([1, 2, 3]) AS x ORDER BY 1 DESC LIMIT 1 OFFSET 1",
            &["2"],
        ),
        (
            "SELECT DISTINCT x FROM UNNEST([1, 1, 2]) AS x ORDER BY x",
            &["1", "2"],
        ),
        (
            "SELECT -x AS x FROM UNNEST([1, 2]) AS x ORDER BY x",
            &["-2", "-1"],
        ),
        (
            "SELECT MOD(x, 2) AS m, COUNT(*) FROM UNNEST([1, 2, 3]) AS x GROUP BY m ORDER BY m",
            &["0|1", "1|2"],
        ),
        (
            "SELECT MOD(x, 2), SUM(x) FROM UNNEST([1, 2, 3]) AS x GROUP BY 1 HAVING SUM(x) > 2",
            &["1|4"],
        ),
        (
            "SELECT MOD(x, 2) + 1 AS y FROM UNNEST([1, 2, 3]) AS x GROUP BY MOD(x, 2) ORDER BY SUM(x)",
            &["1", "2"],
        ),
        (
            "SELECT x AS y, SUM(x) AS s FROM UNNEST([1, 2]) AS x GROUP BY y HAVING s > 1",
            &["2|2"],
        ),
        (
            "SELECT COUNT(*), COUNT(x), SUM(x), AVG(x), MIN(x), MAX(x) FROM UNNEST([1, 2, NULL]) AS x",
            &["3|2|3|1.5|1|2"],
        ),
        (
            "SELECT COUNTIF(x > 1), COUNT(DISTINCT x), LOGICAL_AND(x > 0) FROM UNNEST([1, 2, 2]) AS x",
            &["2|2|true"],
        ),
        (
            "SELECT COUNT(*), SUM(x) FROM UNNEST([1]) AS x WHERE FALSE",
            &["0|NULL"],
        ),
        ("SELECT COUNT(*) FROM UNNEST([1]) AS x WHERE NULL", &["0"]),
        (
            "SELECT SUM(x), AVG(x) FROM UNNEST([0.5, 1.5, NULL]) AS x",
            &["2.0|1.0"],
        ),
        (
            "SELECT SUM(x), AVG(x) FROM UNNEST([0.5]) AS x WHERE FALSE",
            &["NULL|NULL"],
        ),
        ("SELECT 1 UNION ALL SELECT 1", &["1", "1"]),
        ("SELECT 1 AS a UNION DISTINCT SELECT 1 ORDER BY a", &["1"]),
        (
            "WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT a.n, b.n AS m FROM a, b",
            &["1|2"],
        ),
        ("SELECT s.n FROM (SELECT 4 AS n) AS s", &["4"]),
        ("SELECT * FROM (SELECT 1), (SELECT 2)", &["1|2"]),
        ("WITH a AS (SELECT 1) SELECT * FROM a, a AS b", &["1|1"]),
        (
            // A constant does not order anything: it is not the number of the second column.
            "SELECT x, -x AS y FROM UNNEST([1, 2]) AS x ORDER BY GREATEST(2), x",
            &["1|-1", "2|-2"],
        ),
        (
            "SELECT x FROM UNNEST([NULL, 1]) AS x WHERE x NOT IN (SELECT y FROM UNNEST([2, NULL]) AS y)",
            &[],
        ),
        (
            "SELECT x FROM UNNEST([NULL, 1]) AS x WHERE x NOT IN (SELECT y FROM UNNEST([2]) AS y WHERE FALSE) ORDER BY x",
            &["NULL", "1"],
        ),
        (
            "SELECT x, COUNT(*) FROM UNNEST(['a', NULL, NULL]) AS x GROUP BY x ORDER BY x",
            &["NULL|2", "a|1"],
        ),
        (
            "SELECT x FROM UNNEST(['b', 'B', 'é', 'z', '10', '9']) AS x ORDER BY x",
            &["10", "9", "B", "b", "z", "é"],
        ),
        (
            "SELECT SUM(DISTINCT x), AVG(DISTINCT x), COUNT(DISTINCT x) FROM UNNEST([2, 2, 3, NULL]) AS x",
            &["5|2.5|2"],
        ),
        (
            "SELECT LOGICAL_OR(x), LOGICAL_AND(x), MIN(x), MAX(x) FROM UNNEST([NULL, TRUE, FALSE]) AS x",
            &["true|false|false|true"],
        ),
        ("# one\nSELECT /* two */ 1 -- three\n;", &["1"]),
        (
            "SELECT a, b FROM UNNEST([1, 2]) AS a LEFT JOIN UNNEST([2]) AS b ON a = b ORDER BY a",
            &["1|NULL", "2|2"],
        ),
        ("SELECT * EXCEPT (b) FROM (SELECT 1 AS a, 2 AS b)", &["1"]),
        (
            "SELECT COUNT(*) FROM samples.shakespeare WHERE word = 'the';",
            &["42"],
        ),
    ];
    for (sql, rows) in cases {
        assert_eq!(
            ask(sql),
            Ok(rows.iter().map(|&row| row.to_owned()).collect()),
            "{sql}"
        );
    }
}

#[test]
fn parameters_are_bound_by_type() {
    let big = i64::MAX.to_string();
    let values = [
        scalar("s", Type::String, "a'b"),
        scalar("i", Type::Integer, &big),
        scalar("f", Type::Float, "0.5"),
        scalar("b", Type::Boolean, "TRUE"),
        scalar("t", Type::Timestamp, "1970-01-01T00:00:01Z"),
        scalar("d", Type::Date, "2024-02-29"),
        scalar("y", Type::Bytes, "AAE="),
    ];
    let answer = ask_with("SELECT @s, @I, @f, @b, @t, @d, @y", &values).unwrap();
    assert_eq!(answer, [format!("a'b|{big}|0.5|true|1000000|2024-02-29|AAE=")]);
    let positional = [scalar("", Type::Integer, "1"), scalar("", Type::String, "x")];
    assert_eq!(
        ask_with(
            "SELECT ? AS n, ? AS s FROM UNNEST([1]) GROUP BY 'a' || CAST(1 AS STRING)",
            &positional
        )
        .unwrap(),
        ["1|x"]
    );
    let null = Parameter {
        name: Some("n".to_owned()),
        kind: Type::String,
        value: ParameterValue::Scalar(None),
    };
    assert_eq!(ask_with("SELECT @n IS NULL", &[null]).unwrap(), ["true"]);
    assert_eq!(
        ask_with(
            "SELECT x FROM UNNEST([1, 2]) AS x ORDER BY x LIMIT @n",
            &[scalar("n", Type::Integer, "1")]
        )
        .unwrap(),
        ["1"]
    );
}

#[test]
fn arrays_are_unnested() {
    let words = [array("words", Type::String, &["the", "love", "no such word"])];
    let sql = "SELECT word, SUM(word_count) FROM samples.shakespeare WHERE word IN UNNEST(@words) GROUP BY 1 ORDER BY 1";
    let total = |word: &str| format!("{word}|{}", shipped(word).values().sum::<i64>());
    assert_eq!(ask_with(sql, &words).unwrap(), [total("love"), total("the")]);
    let numbers = [array("n", Type::Integer, &["9007199254740993", "2"])];
    assert_eq!(
        ask_with("SELECT SUM(x) FROM UNNEST(@n) AS x", &numbers).unwrap(),
        ["9007199254740995"]
    );
    assert_eq!(
        ask_with(
            "SELECT COUNT(*) FROM UNNEST(@n)",
            &[array("n", Type::Integer, &[])]
        )
        .unwrap(),
        ["0"]
    );
}

#[test]
fn rows_are_listed_in_order() {
    let (table, rows) = (&database().tables()[0].name, database().tables()[0].rows);
    let first = database().list(table, 0, 3).unwrap();
    assert_eq!(first.len(), 3);
    assert_eq!(database().list(table, 1, 1).unwrap(), first[1..2]);
    assert_eq!(database().list(table, rows - 1, 10).unwrap().len(), 1);
    assert_eq!(database().list(table, u64::MAX, u64::MAX).unwrap().len(), 0);
}
