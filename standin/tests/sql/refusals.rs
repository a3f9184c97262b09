//! The engine refuses, with a sentence, whatever it cannot run as BigQuery would.

use std::time::{Duration, Instant};

use bigquery_standin::sql::{Query, Type};

use crate::support::{array, ask, ask_with, query, scalar};

/// Every query must fail with a message that contains the given words.
fn refused(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (sql, words) in cases {
        match ask(sql) {
            Err(message) if message.contains(words) => {}
            other => wrong.push(format!("{sql}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refusal_says_what_is_wrong() {
    refused(&[
        ("", "Syntax error: Unexpected end of statement"),
        (
            "SELEC 1",
            "Syntax error: Expected: an SQL statement, found: SELEC at [1:1]",
        ),
        ("SELECT 'a", "Syntax error: Unclosed string literal at [1:"),
        (
            "SELECT 'it''s'",
            "Syntax error: concatenated string literals must be separated",
        ),
        ("SELECT 'it' 's'", "Syntax error: Unexpected string literal 's'"),
        (r"SELECT '\z'", r"Syntax error: Illegal escape sequence: \z"),
        (
            "SELECT 1; SELECT 2",
            "A script of more than one statement is not supported",
        ),
        (
            "DELETE FROM samples.shakespeare WHERE TRUE",
            "Statement DELETE is not supported",
        ),
        ("CREATE TABLE a.b (x INT64)", "Statement CREATE is not supported"),
        (
            "DROP TABLE samples.shakespeare",
            "Statement DROP is not supported",
        ),
        ("SELECT nope FROM samples.shakespeare", "Unrecognized name: nope"),
        (
            "SELECT t.nope FROM samples.shakespeare AS t",
            "Name nope not found inside t",
        ),
        (
            "SELECT x.word FROM samples.shakespeare AS t",
            "Unrecognized name: x",
        ),
        (
            "SELECT 1 FROM shakespeare",
            "Table \"shakespeare\" must be qualified with a dataset",
        ),
        (
            "SELECT 1 FROM samples.nope",
            "Not found: Table bigquery-public-data:samples.nope",
        ),
        ("SELECT NOPE(1)", "Function NOPE is not supported by the stand-in"),
        (
            "SELECT REGEXP_CONTAINS('a', r'a')",
            "Function REGEXP_CONTAINS is not supported",
        ),
        (
            "SELECT word = 1 FROM samples.shakespeare",
            "No matching signature for operator = for argument types: STRING, INT64",
        ),
        (
            "SELECT 'a' + 1",
            "No matching signature for operator + for argument types: STRING, INT64",
        ),
        (
            "SELECT 1 || 'a'",
            "No matching signature for operator || for argument types: INT64, STRING",
        ),
        (
            "SELECT UPPER(1)",
            "No matching signature for function UPPER for argument types: INT64",
        ),
        (
            "SELECT SUM('a')",
            "No matching signature for aggregate function SUM",
        ),
        (
            "SELECT 1 FROM UNNEST([1]) WHERE 1",
            "WHERE clause should return type BOOL, but returns type INT64",
        ),
        (
            "SELECT 1 FROM UNNEST([1]) AS x WHERE COUNT(*) > 1",
            "Aggregate function COUNT not allowed in WHERE clause",
        ),
        (
            "SELECT SUM(SUM(x)) FROM UNNEST([1]) AS x",
            "Aggregations of aggregations are not allowed",
        ),
        (
            "SELECT word, COUNT(*) FROM samples.shakespeare",
            "SELECT list expression references column word which is neither grouped nor aggregated",
        ),
        (
            "SELECT corpus FROM samples.shakespeare GROUP BY corpus ORDER BY word",
            "references column word which is neither grouped nor aggregated",
        ),
        (
            "SELECT COUNT(*) AS n FROM samples.shakespeare GROUP BY n",
            "n is an aggregate, which is not allowed in GROUP BY",
        ),
        (
            "SELECT 5 AS n FROM samples.shakespeare GROUP BY n",
            "Cannot GROUP BY literal values",
        ),
        (
            "SELECT word FROM samples.shakespeare ORDER BY 2",
            "ORDER BY is out of SELECT column number range: 2",
        ),
        (
            "SELECT DISTINCT corpus FROM samples.shakespeare ORDER BY word",
            "not visible after SELECT DISTINCT",
        ),
        (
            "SELECT 1 AS a, 2 AS A",
            "Duplicate column names in the result are not supported. Found duplicate(s): A",
        ),
        (
            "SELECT word FROM samples.shakespeare a JOIN samples.shakespeare b ON TRUE",
            "Column name word is ambiguous",
        ),
        (
            "SELECT 1 FROM UNNEST([1]) AS a, UNNEST([2]) AS a",
            "Duplicate table alias a",
        ),
        (
            "SELECT 1 UNION SELECT 2",
            "Syntax error: Expected keyword ALL or keyword DISTINCT after UNION",
        ),
        (
            "SELECT 1 UNION ALL SELECT 'a'",
            "Column 1 in UNION has incompatible types: INT64, STRING",
        ),
        (
            "SELECT 1 UNION ALL SELECT 1, 2",
            "Queries in UNION have mismatched column count",
        ),
        (
            "SELECT ROW_NUMBER() OVER () FROM samples.shakespeare",
            "The window function ROW_NUMBER is not supported",
        ),
        (
            "SELECT SUM(word_count) OVER (ORDER BY word) FROM samples.shakespeare",
            "ORDER BY in a window is not supported",
        ),
        (
            "SELECT SUM(word_count) OVER (ROWS UNBOUNDED PRECEDING) FROM samples.shakespeare",
            "A named window or a window frame is not supported",
        ),
        (
            "SELECT SUM(word_count) OVER w FROM samples.shakespeare WINDOW w AS (PARTITION BY word)",
            "A window function is not supported",
        ),
        (
            "SELECT COUNT(DISTINCT word) OVER () FROM samples.shakespeare",
            "DISTINCT in a window function is not supported",
        ),
        (
            "SELECT SUM(1.5) OVER () FROM samples.shakespeare",
            "SUM of FLOAT64 as a window function is not supported",
        ),
        (
            "SELECT COUNT(*) OVER (PARTITION BY 1.5 * word_count) FROM samples.shakespeare",
            "Partitioning by expressions of type FLOAT64 is not allowed",
        ),
        (
            "SELECT corpus, SUM(SUM(word_count)) OVER () FROM samples.shakespeare GROUP BY corpus",
            "Aggregations of aggregations are not allowed",
        ),
        (
            "SELECT word, COUNT(*) OVER () AS n FROM samples.shakespeare GROUP BY word",
            "A window function in a grouped query is not supported",
        ),
        (
            "SELECT word FROM samples.shakespeare WHERE COUNT(*) OVER () > 1",
            "Analytic function not allowed in WHERE clause",
        ),
        (
            "SELECT a FROM UNNEST([1]) AS a JOIN UNNEST([1]) AS b USING (a)",
            "JOIN USING or NATURAL JOIN is not supported",
        ),
        ("SELECT [1, 2]", "An ARRAY outside UNNEST is not supported"),
        ("SELECT b'a'", "Literal B'a' is not supported"),
        (
            "SELECT 1 LIMIT -1",
            "LIMIT expects a non-negative integer literal or parameter",
        ),
        (
            "SELECT 9223372036854775808",
            "Invalid integer literal: 9223372036854775808",
        ),
        ("SELECT @word", "Query parameter 'word' not found"),
        ("SELECT ?", "Query parameter number 1 is not defined (0 provided)"),
        (
            "SELECT CAST(1.5 AS STRING)",
            "CAST from FLOAT64 to STRING is not supported",
        ),
        ("FROM samples.shakespeare", "FROM before SELECT is not supported"),
        (
            "SELECT * FROM UNNEST([1]) AS x WITH OFFSET",
            "WITH OFFSET is not supported",
        ),
        (
            "SELECT * FROM samples.shakespeare TABLESAMPLE SYSTEM (10 PERCENT)",
            "TABLESAMPLE is not supported",
        ),
    ]);
}

#[test]
fn constructs_unknown_to_bigquery_are_refused_too() {
    refused(&[
        (
            "SELECT TRUE = TRUE = TRUE",
            "Comparisons do not chain: put true = true in parentheses",
        ),
        ("SELECT 1 < 2 IS TRUE", "do not chain"),
        ("SELECT 1 IS NULL = FALSE", "do not chain"),
        ("SELECT 1 IN (1) IN (TRUE)", "do not chain"),
        ("SELECT 'a' LIKE 'a' IS NOT NULL", "do not chain"),
        ("SELECT 1 BETWEEN 0 AND 2 = TRUE", "do not chain"),
        ("SELECT 1 == 1", "Syntax error: Unexpected \"==\" at [1:10]"),
        (
            "SELECT 1 WHERE FALSE",
            "Query without FROM clause cannot have a WHERE clause",
        ),
        (
            "SELECT 1 AS a GROUP BY a",
            "without FROM clause cannot have a GROUP BY clause",
        ),
        (
            "SELECT 1 HAVING TRUE",
            "without FROM clause cannot have a HAVING clause",
        ),
        (
            "SELECT 1 AS a ORDER BY a",
            "without FROM clause cannot have an ORDER BY clause",
        ),
        (
            "SELECT COUNT(*)",
            "Query without FROM clause cannot use aggregation",
        ),
        ("SELECT f0_ FROM (SELECT 1)", "Unrecognized name: f0_"),
        (
            "SELECT n FROM (SELECT 1 AS n) WHERE m > 0",
            "Unrecognized name: m",
        ),
        (
            "SELECT word AS w FROM samples.shakespeare WHERE w = 'a'",
            "Unrecognized name: w",
        ),
        (
            "SELECT COUNT(*) FROM UNNEST([1]) AS x GROUP BY GREATEST(1)",
            "Cannot GROUP BY literal values",
        ),
        (
            "SELECT * FROM `samples.shakes*`",
            "A wildcard table is not supported",
        ),
        (
            "SELECT * FROM `samples.shakespeare$20200101`",
            "A table decorator is not supported",
        ),
        (
            "SELECT * FROM samples.INFORMATION_SCHEMA.TABLES",
            "INFORMATION_SCHEMA is not supported",
        ),
        (
            "SELECT 1 FROM samples.Shakespeare",
            "Not found: Table bigquery-public-data:samples.Shakespeare",
        ),
        (
            "SELECT AS STRUCT 1",
            "SELECT AS STRUCT or AS VALUE is not supported",
        ),
        (
            "SELECT * REPLACE (1 AS word) FROM samples.shakespeare",
            "* REPLACE is not supported",
        ),
        ("SELECT '\\xe9'", "Illegal escape sequence"),
    ]);
    let bytes = [array("b", Type::Bytes, &["/w==", "AA=="])];
    for sql in [
        "SELECT x FROM UNNEST(@b) AS x ORDER BY x",
        "SELECT 1 AS n FROM UNNEST(@b) AS x ORDER BY x",
        "SELECT x FROM UNNEST(@b) AS x UNION ALL SELECT x FROM UNNEST(@b) AS x ORDER BY x",
    ] {
        let found = ask_with(sql, &bytes).unwrap_err();
        assert!(found.contains("The order of BYTES"), "{sql}: {found}");
    }
}

#[test]
fn no_function_takes_long_or_grows_without_bound() {
    let many = "a".repeat(100_000);
    let values = [scalar("a", Type::String, &many)];
    let start = Instant::now();
    for (sql, words) in [
        (
            "SELECT LENGTH(REPLACE(@a, 'a', @a))",
            "REPLACE: the result is too large",
        ),
        ("SELECT @a LIKE '%' || @a || 'b'", "LIKE: the texts are too long"),
        ("SELECT TRIM(@a, 'b' || @a)", "TRIM: the texts are too long"),
    ] {
        let found = ask_with(sql, &values).unwrap_err();
        assert!(found.contains(words), "{sql}: {found}");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn an_error_at_run_time_is_reported() {
    refused(&[
        ("SELECT 1 / 0", "division by zero: 1 / 0"),
        (
            "SELECT SUM(x) FROM UNNEST([1e308, 1e308]) AS x",
            "Floating point error in aggregate function",
        ),
        (
            "SELECT SUM(CAST(x AS FLOAT64)) FROM UNNEST(['inf', '-inf']) AS x",
            "Floating point error in aggregate function",
        ),
        (
            "SELECT 1_000",
            "Syntax error: Missing whitespace between literal and alias at [1:9]",
        ),
        ("SELECT CAST('1e400' AS FLOAT64)", "Bad double value: 1e400"),
        (
            "SELECT TIMESTAMP_MICROS(9223372036854775807)",
            "Invalid timestamp value",
        ),
        ("SELECT DIV(1, 0)", "division by zero: DIV(1, 0)"),
        ("SELECT MOD(1, 0)", "division by zero: MOD(1, 0)"),
        (
            "SELECT 9223372036854775807 + 1",
            "int64 overflow: 9223372036854775807 + 1",
        ),
        (
            "SELECT -(-9223372036854775808)",
            "int64 overflow: 0 - -9223372036854775808",
        ),
        (
            "SELECT SUM(x) FROM UNNEST([9223372036854775807, 1]) AS x",
            "int64 overflow in SUM",
        ),
        ("SELECT 1e308 * 10", "Floating point error in function"),
        ("SELECT CAST('x' AS INT64)", "Bad int64 value: x"),
        (
            "SELECT CAST(1e19 AS INT64)",
            "Illegal conversion of a floating point number to an integer",
        ),
        (
            "SELECT 'a' LIKE r'a\\'",
            "A raw string must not end with a backslash",
        ),
        ("SELECT 'a' LIKE 'a\\\\'", "LIKE pattern ends with a backslash"),
        (
            "SELECT (SELECT x FROM UNNEST([1, 2]) AS x)",
            "Scalar subquery produced more than one element",
        ),
        (
            "SELECT SUBSTR('a', 1, -1)",
            "Third argument in SUBSTR() cannot be negative",
        ),
    ]);
}

#[test]
fn a_bad_parameter_is_named() {
    let one = |parameter| ask_with("SELECT 1", &[parameter]).unwrap_err();
    assert_eq!(
        one(scalar("n", Type::Integer, "x")),
        "Query parameter n: Invalid value for type INT64: 'x'"
    );
    assert!(one(scalar("n", Type::Integer, "9223372036854775808")).contains("Invalid value for type INT64"));
    assert!(one(scalar("b", Type::Boolean, "yes")).contains("Invalid value for type BOOL: 'yes'"));
    assert!(one(array("a", Type::Date, &["2015-02-29"])).contains("Invalid value for type DATE"));
    let both = [scalar("a", Type::Integer, "1"), scalar("", Type::Integer, "2")];
    assert!(
        ask_with("SELECT 1", &both)
            .unwrap_err()
            .contains("all named or all positional")
    );
    let twice = [scalar("a", Type::Integer, "1"), scalar("A", Type::Integer, "2")];
    assert_eq!(
        ask_with("SELECT 1", &twice).unwrap_err(),
        "Duplicate query parameter: A"
    );
    let words = [array("w", Type::String, &["a"])];
    assert!(
        ask_with("SELECT @w", &words)
            .unwrap_err()
            .contains("The array @w outside UNNEST")
    );
    let number = [scalar("n", Type::Integer, "1")];
    assert!(
        ask_with("SELECT 1 IN UNNEST(@n)", &number)
            .unwrap_err()
            .contains("must be arrays")
    );
}

#[test]
fn a_hostile_query_is_refused_in_bounded_time_and_space() {
    let sums = format!("SELECT 1{}", " + 1".repeat(500));
    let parentheses = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    let unions = format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(400));
    let subqueries = format!("SELECT {}1{}", "(SELECT ".repeat(30), ")".repeat(30));
    let long = format!("SELECT '{}'", "x".repeat(2_000_000));
    for sql in [&sums, &parentheses, &unions, &subqueries, &long] {
        let found = ask(sql).unwrap_err();
        assert!(
            ["nested too deeply", "too complex", "too large"]
                .iter()
                .any(|words| found.contains(words)),
            "{}: {found}",
            &sql[..40]
        );
    }
    let terms = format!("SELECT FALSE{}", " OR 'a' = 'b'".repeat(300));
    assert_eq!(ask(&terms).unwrap(), ["false"]);
}

/// A query that does not end by itself.
const FOR_EVER: &str = "SELECT COUNT(*) FROM samples.shakespeare a, samples.shakespeare b, samples.shakespeare c \
    WHERE a.word_count + b.word_count + c.word_count < 0";

#[test]
fn a_query_that_runs_for_ever_is_ended() {
    let query = Query {
        sql: FOR_EVER,
        project: "bigquery-public-data",
        dataset: None,
        parameters: &[],
    };
    let own = bigquery_standin::data::shipped()
        .unwrap()
        .with_time_limit(Duration::from_millis(200));
    let start = Instant::now();
    let error = own.run(&own.prepare(&query).unwrap()).unwrap_err();
    assert!(
        error.message.contains("ran longer than the stand-in allows"),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    // It leaves nothing behind: the next one runs.
    let next = Query {
        sql: "SELECT COUNT(*) FROM samples.shakespeare",
        ..query
    };
    assert_eq!(
        own.run(&own.prepare(&next).unwrap()).unwrap(),
        [[Some(own.tables()[0].rows.to_string())]]
    );
}

#[test]
fn a_query_without_a_turn_is_not_called_invalid() {
    let own = bigquery_standin::data::shipped()
        .unwrap()
        .with_time_limit(Duration::from_millis(200));
    let query = query(FOR_EVER, &[]);
    let statement = own.prepare(&query).unwrap();
    let errors: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| own.run(&statement).unwrap_err()))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(
        errors
            .iter()
            .any(|error| error.busy && error.message.contains("busy")),
        "{errors:?}"
    );
    assert!(
        errors
            .iter()
            .any(|error| !error.busy && error.message.contains("ran longer")),
        "{errors:?}"
    );
}

#[test]
fn a_query_is_checked_while_another_runs() {
    let limit = Duration::from_secs(2);
    let own = bigquery_standin::data::shipped().unwrap().with_time_limit(limit);
    let query = query(FOR_EVER, &[]);
    let statement = own.prepare(&query).unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| own.run(&statement).unwrap_err());
        std::thread::sleep(limit / 4);
        own.prepare(&query).unwrap();
        assert!(start.elapsed() < limit, "it waited for the other's end");
        let error = run.join().unwrap();
        assert!(error.message.contains("ran longer"), "{error}");
    });
}
