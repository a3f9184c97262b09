//! A database for the tests of one process, and short ways to query it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bigquery_standin::data;
use bigquery_standin::sql::{Database, Parameter, ParameterValue, Query, Statement, Type};

/// The shipped table, loaded once.
pub(crate) fn database() -> &'static Database {
    static SHARED: OnceLock<Database> = OnceLock::new();
    SHARED.get_or_init(|| data::shipped().expect("the shipped table loads"))
}

/// How often a word occurs in the shipped file, per corpus: read without the engine, which must return the same.
pub(crate) fn shipped(word: &str) -> BTreeMap<String, i64> {
    let packed = include_bytes!("../../data/shakespeare.tsv.zst").as_slice();
    let table = String::from_utf8(zstd::decode_all(packed).unwrap()).unwrap();
    let mut counts = BTreeMap::new();
    let mut corpus = "";
    for line in table.lines() {
        let (name, count) = line.split_once('\t').unwrap_or((line, "1"));
        if let Some(name) = name.strip_prefix('#') {
            corpus = name;
        } else if name == word {
            counts.insert(corpus.to_owned(), count.parse().unwrap());
        }
    }
    counts
}

/// A query with the stand-in's own table as `samples.shakespeare`.
pub(crate) fn query<'q>(sql: &'q str, parameters: &'q [Parameter]) -> Query<'q> {
    Query {
        sql,
        project: "bigquery-public-data",
        dataset: None,
        parameters,
    }
}

pub(crate) fn prepare(sql: &str, parameters: &[Parameter]) -> Result<Statement, String> {
    database()
        .prepare(&query(sql, parameters))
        .map_err(|error| error.message)
}

/// The result, with NULL as `NULL` and fields joined by `|`; or the error's message.
pub(crate) fn ask_with(sql: &str, parameters: &[Parameter]) -> Result<Vec<String>, String> {
    let statement = prepare(sql, parameters)?;
    let rows = database().run(&statement).map_err(|error| error.message)?;
    let line = |row: Vec<Option<String>>| {
        row.into_iter()
            .map(|value| value.unwrap_or("NULL".to_owned()))
            .collect::<Vec<_>>()
            .join("|")
    };
    Ok(rows.into_iter().map(line).collect())
}

pub(crate) fn ask(sql: &str) -> Result<Vec<String>, String> {
    ask_with(sql, &[])
}

pub(crate) fn scalar(name: &str, kind: Type, value: &str) -> Parameter {
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    Parameter {
        name,
        kind,
        value: ParameterValue::Scalar(Some(value.to_owned())),
    }
}

pub(crate) fn array(name: &str, kind: Type, values: &[&str]) -> Parameter {
    let values = values.iter().map(|value| Some((*value).to_owned())).collect();
    Parameter {
        name: Some(name.to_owned()),
        kind,
        value: ParameterValue::Array(values),
    }
}
