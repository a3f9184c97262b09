//! Runs BigQuery SQL on SQLite, and refuses what it cannot run as BigQuery would.
//!
//! The text is parsed, checked and typed by BigQuery's rules, and rewritten as SQLite's SQL. Only constructs that are
//! known to mean the same are accepted. Anything else is refused, so that no result is silently wrong.

mod aggregate;
mod call;
mod compiler;
mod database;
mod error;
mod expression;
mod from;
mod functions;
mod literal;
mod operator;
mod order;
mod parameter;
mod parse;
mod scope;
mod select;
mod value;
mod window;

pub(crate) use database::Loader;
pub use database::{Database, Statement};
pub use error::QueryError;

/// A table's full name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The project's ID.
    pub project: String,
    /// The dataset's ID.
    pub dataset: String,
    /// The table's ID.
    pub table: String,
}

/// The type of a column or parameter, by its name in BigQuery's REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `STRING`.
    String,
    /// `INTEGER`, in SQL `INT64`.
    Integer,
    /// `FLOAT`, in SQL `FLOAT64`.
    Float,
    /// `BOOLEAN`, in SQL `BOOL`.
    Boolean,
    /// `BYTES`, base64 in results.
    Bytes,
    /// `TIMESTAMP`, microseconds since 1970.
    Timestamp,
    /// `DATE`.
    Date,
}

impl Type {
    /// The type's name in SQL, as in error messages.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Type::String => "STRING",
            Type::Integer => "INT64",
            Type::Float => "FLOAT64",
            Type::Boolean => "BOOL",
            Type::Bytes => "BYTES",
            Type::Timestamp => "TIMESTAMP",
            Type::Date => "DATE",
        }
    }
}

/// A table's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The full name.
    pub name: TableName,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The location, such as `US`.
    pub location: String,
    /// The number of rows.
    pub rows: u64,
    /// The size in bytes, as BigQuery counts it: 8 for a number; 2 and the UTF-8 length for a string.
    pub bytes: u64,
    /// The time of creation, in milliseconds since 1970.
    pub created_ms: u64,
}

/// A column of a result or table; every column is `NULLABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name; `f0_` and so on if the query gives none.
    pub name: String,
    /// The type.
    pub kind: Type,
}

/// One row's values in BigQuery's textual form; `None` is NULL.
///
/// A TIMESTAMP is a whole number of microseconds since 1970; the REST layer formats it as the caller requested.
pub type Row = Vec<Option<String>>;

/// A query parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name without `@`; none for a positional one.
    pub name: Option<String>,
    /// The scalar's type, or the type of the array's elements.
    pub kind: Type,
    /// The value.
    pub value: ParameterValue,
}

/// A query parameter's value, in BigQuery's textual form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// One value, or NULL.
    Scalar(Option<String>),
    /// An array, for `UNNEST(@name)`.
    Array(Vec<Option<String>>),
}

/// A query as the engine receives it.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The SQL text.
    pub sql: &'a str,
    /// The project for tables that are named without one.
    pub project: &'a str,
    /// The dataset (project, dataset) for tables that are named without one.
    pub dataset: Option<(&'a str, &'a str)>,
    /// The parameters, all named or all positional.
    pub parameters: &'a [Parameter],
}
