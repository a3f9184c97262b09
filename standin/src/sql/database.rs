//! The tables, in SQLite's memory, and queries on them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, ErrorCode};

use super::compiler::compile;
use super::error::{QueryError, Result};
use super::parameter::{Bound, bind};
use super::value::{Value, float_text};
use super::{Column, Query, Row, Table, TableName, Type, functions, parse};

/// The longest that a query may run. It may wait for its turn for the same time.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The largest result, in rows.
const MAX_ROWS: usize = 1_000_000;
/// The largest result, in bytes of text.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// How many results are kept, and the most rows of each.
const KEPT: (usize, usize) = (64, 10_000);
/// How many of SQLite's steps pass between two checks of the clock.
const STEPS_PER_LOOK: i32 = 10_000;

/// The tables that the stand-in serves. Queries run one at a time.
pub struct Database {
    tables: Vec<Table>,
    column_bytes: Vec<Vec<u64>>,
    rows: Mutex<Rows>,
    /// The same tables without rows, for checks. Checks take little time and would otherwise wait for the queries'
    /// turns.
    schema: Mutex<Connection>,
    time_limit: Duration,
}

/// The tables' rows, and recent results. Rows never change, so the same statement always has the same result. Many
/// instances with short TTLs repeat one query, and that query reads every row.
struct Rows {
    connection: Connection,
    kept: VecDeque<Kept>,
}

struct Kept {
    sql: String,
    parameters: Vec<Cell>,
    answer: Vec<Row>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}

/// A checked query, ready to run any number of times.
#[derive(Debug, Clone)]
pub struct Statement {
    sql: String,
    columns: Vec<Column>,
    tables: Vec<TableName>,
    bytes: u64,
    bound: Vec<Bound>,
}

impl Statement {
    /// The columns of its result, known before it runs.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The tables that it reads, each once, for the check of access.
    #[must_use]
    pub fn tables(&self) -> &[TableName] {
        &self.tables
    }

    /// The bytes that it processes: the sizes of the columns that it names, as BigQuery counts them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Database {
    /// The same tables with another time limit for queries; the default is ten seconds.
    #[must_use]
    pub fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The tables that a query names, each once, whether or not they exist. Only the syntax is checked.
    ///
    /// # Errors
    ///
    /// Text that is not a single SELECT; an incomplete table name.
    pub fn tables_of(&self, query: &Query<'_>) -> Result<Vec<TableName>> {
        parse::tables(&parse::parse(query.sql)?, query)
    }

    /// Checks and types a query, as a dry run does.
    ///
    /// # Errors
    ///
    /// Queries that BigQuery refuses before it runs them, and those that the stand-in cannot run.
    pub fn prepare(&self, query: &Query<'_>) -> Result<Statement> {
        let parsed = parse::parse(query.sql)?;
        let bound = bind(query.parameters)?;
        let compiled = compile(&self.tables, query, &parsed, &bound)?;
        let size = |&(table, column): &(usize, usize)| self.column_bytes.get(table)?.get(column).copied();
        let bytes = compiled.read.iter().filter_map(size).sum();
        let named = compiled
            .named
            .iter()
            .filter_map(|&number| self.tables.get(number));
        let statement = Statement {
            sql: compiled.sql,
            columns: compiled.columns,
            tables: named.map(|table| table.name.clone()).collect(),
            bytes,
            bound,
        };
        self.schema
            .lock()
            .prepare(&statement.sql)
            .map_err(|error| failure(&error, &statement.sql))?;
        Ok(statement)
    }

    /// Runs a statement. It blocks for at most ten seconds, and the same time again for its turn.
    ///
    /// # Errors
    ///
    /// Errors that BigQuery finds only at run time, such as a division by zero; a result that is too large or too late.
    pub fn run(&self, statement: &Statement) -> Result<Vec<Row>> {
        let parameters: Vec<Cell> = statement.bound.iter().map(|bound| cell(&bound.value)).collect();
        self.select(&statement.sql, &parameters, &statement.columns)
    }

    /// The rows of a table from number `start` (0 is the first), at most `limit`, in the order they were loaded.
    ///
    /// # Errors
    ///
    /// A table that does not exist.
    pub fn list(&self, table: &TableName, start: u64, limit: u64) -> Result<Vec<Row>> {
        let Some((number, table)) = self
            .tables
            .iter()
            .enumerate()
            .find(|(_, other)| other.name == *table)
        else {
            let TableName {
                project,
                dataset,
                table,
            } = table;
            return Err(QueryError::new(format!(
                "Not found: Table {project}:{dataset}.{table}"
            )));
        };
        let start = i64::try_from(start).unwrap_or(i64::MAX);
        let end = start.saturating_add(i64::try_from(limit).unwrap_or(i64::MAX));
        let sql = format!("SELECT * FROM table{number} WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid");
        self.select(&sql, &[Cell::Integer(start), Cell::Integer(end)], &table.columns)
    }

    fn select(&self, sql: &str, parameters: &[Cell], columns: &[Column]) -> Result<Vec<Row>> {
        let mut rows = self.rows.try_lock_for(self.time_limit).ok_or_else(|| {
            QueryError::busy("The stand-in is busy: the query waited too long for its turn")
        })?;
        if let Some(known) = rows
            .kept
            .iter()
            .find(|kept| kept.sql == sql && kept.parameters == parameters)
        {
            return Ok(known.answer.clone());
        }
        let answer = select(&mut rows.connection, self.time_limit, sql, parameters, columns)?;
        let (answers, most) = KEPT;
        if answer.len() <= most {
            rows.kept.truncate(answers - 1);
            rows.kept.push_front(Kept {
                sql: sql.to_owned(),
                parameters: parameters.to_vec(),
                answer: answer.clone(),
            });
        }
        Ok(answer)
    }
}

fn select(
    connection: &mut Connection,
    time_limit: Duration,
    sql: &str,
    parameters: &[Cell],
    columns: &[Column],
) -> Result<Vec<Row>> {
    let start = Instant::now();
    let failed = |error: rusqlite::Error| failure(&error, sql);
    connection
        .progress_handler(STEPS_PER_LOOK, Some(move || start.elapsed() >= time_limit))
        .map_err(failed)?;
    let mut statement = connection.prepare(sql).map_err(failed)?;
    // A parameter that the query does not name does not occur in SQLite's SQL.
    for (place, value) in parameters.iter().enumerate().take(statement.parameter_count()) {
        statement.raw_bind_parameter(place + 1, value).map_err(failed)?;
    }
    let mut rows = statement.raw_query();
    let mut answer = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        let mut texts = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter().enumerate() {
            let value = text(row.get_ref(place).map_err(failed)?, column.kind).map_err(|found| {
                tracing::error!(
                    sql,
                    column = column.name,
                    found,
                    "a value is not of its column's type"
                );
                QueryError::new(format!("The stand-in failed to compute column {}", column.name))
            })?;
            bytes += value.as_ref().map_or(0, String::len) + size_of::<Option<String>>();
            texts.push(value);
        }
        answer.push(texts);
        if answer.len() > MAX_ROWS || bytes > MAX_BYTES {
            return Err(QueryError::new(format!(
                "Response too large to return: the stand-in's limit is {MAX_ROWS} rows and {MAX_BYTES} bytes"
            )));
        }
    }
    Ok(answer)
}

/// The text of a value, or what SQLite returned instead.
fn text(value: ValueRef<'_>, kind: Type) -> std::result::Result<Option<String>, String> {
    match (value, kind) {
        (ValueRef::Null, _) => Ok(None),
        (ValueRef::Integer(value), Type::Integer | Type::Timestamp) => Ok(Some(value.to_string())),
        (ValueRef::Integer(value @ (0 | 1)), Type::Boolean) => Ok(Some((value == 1).to_string())),
        (ValueRef::Real(value), Type::Float) => Ok(Some(float_text(value))),
        (ValueRef::Text(bytes), Type::String | Type::Date | Type::Bytes) => {
            match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err("text that is not UTF-8".to_owned()),
            }
        }
        (other, _) => Err(other.data_type().to_string()),
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Integer(value) => Cell::Integer(*value),
        Value::Real(value) => Cell::Real(*value),
        Value::Text(text) => Cell::Text(text.clone()),
    }
}

/// SQLite's error as BigQuery would word it. Unexpected errors are logged.
fn failure(error: &rusqlite::Error, sql: &str) -> QueryError {
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.as_str(),
        _ => "",
    };
    if let Some((_, ours)) = message.split_once(functions::MARK) {
        return QueryError::new(ours);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            QueryError::new("The query ran longer than the stand-in allows (10 seconds unless set otherwise)")
        }
        Some(ErrorCode::OutOfMemory | ErrorCode::TooBig) => {
            QueryError::new("Resources exceeded during query execution: the stand-in's memory limit")
        }
        _ if message == "integer overflow" => QueryError::new("int64 overflow in SUM"),
        _ => {
            tracing::error!(%error, sql, "SQLite refused what the stand-in wrote");
            QueryError::unsupported("This query")
        }
    }
}

/// Fills a database before it is served.
pub(crate) struct Loader {
    tables: Vec<Table>,
    column_bytes: Vec<Vec<u64>>,
    rows: Connection,
    schema: Connection,
}

impl Loader {
    /// An empty database.
    ///
    /// # Errors
    ///
    /// SQLite's; none are expected.
    pub(crate) fn new() -> rusqlite::Result<Self> {
        let open = || {
            let connection = Connection::open_in_memory()?;
            connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
            functions::register(&connection)?;
            Ok::<_, rusqlite::Error>(connection)
        };
        Ok(Self {
            tables: Vec::new(),
            column_bytes: Vec::new(),
            rows: open()?,
            schema: open()?,
        })
    }

    /// Adds a table and its rows; `rows` and `bytes` of the metadata are counted here.
    ///
    /// # Errors
    ///
    /// SQLite's, for example for a row with another width than the table's.
    pub(crate) fn table<'r>(
        &mut self,
        mut table: Table,
        rows: impl IntoIterator<Item = Vec<ValueRef<'r>>>,
    ) -> rusqlite::Result<()> {
        let number = self.tables.len();
        let definitions: Vec<_> = table
            .columns
            .iter()
            .enumerate()
            .map(|(n, column)| {
                let kind = match column.kind {
                    Type::Integer | Type::Boolean | Type::Timestamp => "INTEGER",
                    Type::Float => "REAL",
                    Type::String | Type::Bytes | Type::Date => "TEXT",
                };
                format!("c{n} {kind}")
            })
            .collect();
        let marks: Vec<_> = (1..=definitions.len()).map(|n| format!("?{n}")).collect();
        let create = format!("CREATE TABLE table{number} ({}) STRICT", definitions.join(", "));
        self.schema.execute_batch(&create)?;
        let transaction = self.rows.transaction()?;
        transaction.execute_batch(&create)?;
        let mut sizes = vec![0_u64; definitions.len()];
        table.rows = 0;
        {
            let mut insert = transaction.prepare(&format!(
                "INSERT INTO table{number} VALUES ({})",
                marks.join(", ")
            ))?;
            for row in rows {
                for (place, (value, size)) in row.iter().zip(&mut sizes).enumerate() {
                    *size += match value {
                        ValueRef::Null => 0,
                        ValueRef::Text(text) => 2 + text.len() as u64,
                        _ => 8,
                    };
                    insert.raw_bind_parameter(place + 1, rusqlite::types::ToSqlOutput::Borrowed(*value))?;
                }
                insert.raw_execute()?;
                table.rows += 1;
            }
        }
        transaction.commit()?;
        table.bytes = sizes.iter().sum();
        self.tables.push(table);
        self.column_bytes.push(sizes);
        Ok(())
    }

    /// The database, which is read-only from now on.
    ///
    /// # Errors
    ///
    /// SQLite's; none are expected.
    pub(crate) fn finish(self) -> rusqlite::Result<Database> {
        // The heap limit applies to the process: it ends a sort that would exhaust the memory.
        self.rows
            .execute_batch("PRAGMA query_only = ON; PRAGMA hard_heap_limit = 1073741824;")?;
        self.schema.execute_batch("PRAGMA query_only = ON;")?;
        Ok(Database {
            tables: self.tables,
            column_bytes: self.column_bytes,
            rows: Mutex::new(Rows {
                connection: self.rows,
                kept: VecDeque::new(),
            }),
            schema: Mutex::new(self.schema),
            time_limit: TIME_LIMIT,
        })
    }
}
