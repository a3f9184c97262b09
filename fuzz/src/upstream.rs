use serde_json::Value;
use wordtally::answer::{Count, OtherCase};
use wordtally::{bigquery, credentials};

/// The documented limit.
const MAX_ROWS: usize = 10_000;

/// Any bytes as the pages of an answer, as an error response, and as a token server's response: accepted values are
/// those that another JSON parser finds, and anything else is refused in one line.
pub fn upstream(data: &[u8]) {
    let bodies: Vec<&[u8]> = crate::parts(data).take(200).collect();
    match bigquery::fuzzing::counts(&bodies) {
        Ok((counts, other_cases, read)) => must_be_what_was_sent(&counts, &other_cases, &bodies[..read]),
        Err(refusal) => crate::must_be_one_line(&refusal),
    }
    for status in [400, 401, 403, 404, 429, 503] {
        for refusal in [
            bigquery::fuzzing::refused(status, data),
            credentials::fuzzing::refused(status, data),
        ] {
            let refusal = refusal.expect("a status");
            crate::must_be_one_line(&refusal);
            assert!(refusal.len() < 3000, "as long as {}", refusal.len());
        }
    }
    match credentials::fuzzing::token(data) {
        Ok((token, lifetime)) => {
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(lifetime.is_none_or(|lifetime| !lifetime.is_zero()));
        }
        Err(refusal) => crate::must_be_one_line(&refusal),
    }
}

fn must_be_what_was_sent(counts: &[Count], other_cases: &[OtherCase], bodies: &[&[u8]]) {
    let found = counts.len() + other_cases.len();
    assert!(found <= MAX_ROWS);
    // In skipped parts, only the other parser checks UTF-8, the size of numbers and the depth.
    let texts = bodies.iter().map(|body| String::from_utf8_lossy(body));
    let Ok(pages) = texts
        .map(|text| serde_json::from_str(&text))
        .collect::<Result<Vec<Value>, _>>()
    else {
        return;
    };
    let announced = pages
        .iter()
        .filter_map(|page| page["totalRows"].as_str())
        .next_back();
    if let Some(announced) = announced {
        assert_eq!(announced.parse(), Ok(found), "as many came as were announced");
    }
    let Some(first) = pages.first() else {
        return assert_eq!(found, 0);
    };
    let column = |name: &str, types: &[&str]| {
        let fields = first["schema"]["fields"].as_array().expect("a schema");
        fields
            .iter()
            .position(|field| {
                field["name"] == *name && field["type"].as_str().is_some_and(|kind| types.contains(&kind))
            })
            .expect("a column")
    };
    let corpus = column("corpus", &["STRING"]);
    let total_words = column("total_words", &["INTEGER", "INT64"]);
    let corpus_words = column("corpus_words", &["INTEGER", "INT64"]);
    let other_case = column("other_case", &["STRING"]);
    let text = |row: &Value, at: usize| row["f"][at]["v"].as_str().map(str::to_owned);
    let number = |row: &Value, at: usize| match &row["f"][at]["v"] {
        Value::Null => 0,
        number => number
            .as_str()
            .and_then(|number| number.parse().ok())
            .expect("a number"),
    };
    let rows = pages.iter().filter_map(|page| page["rows"].as_array()).flatten();
    let (others, own): (Vec<_>, Vec<_>) = rows.partition(|row| text(row, other_case).is_some());
    let own = own.into_iter().map(|row| Count {
        corpus: text(row, corpus),
        total_words: number(row, total_words),
        corpus_words: number(row, corpus_words),
    });
    assert_eq!(counts, own.collect::<Vec<_>>());
    let others = others.into_iter().map(|row| OtherCase {
        word: text(row, other_case).unwrap_or_default(),
        total_words: number(row, total_words),
    });
    assert_eq!(other_cases, others.collect::<Vec<_>>());
}
