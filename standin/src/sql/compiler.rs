//! The state while one query is written as SQLite's SQL.

use std::collections::BTreeSet;

use sqlparser::ast;

use super::error::{QueryError, Result};
use super::parameter::Bound;
use super::parse::Parsed;
use super::scope::Typed;
use super::{Column, Query, Table, Type};

/// The most expressions that are visited: it bounds the work of nested queries.
const MAX_STEPS: usize = 100_000;
/// The deepest nesting of expressions.
const MAX_DEPTH: usize = 40;

/// A query as SQLite runs it.
pub(super) struct Compiled {
    /// SQLite's SQL.
    pub(super) sql: String,
    /// The columns of its result.
    pub(super) columns: Vec<Column>,
    /// The (table, column) pairs that it reads.
    pub(super) read: BTreeSet<(usize, usize)>,
    /// The tables that it names, read or not.
    pub(super) named: BTreeSet<usize>,
}

/// A `WITH` clause in scope.
pub(super) struct Cte {
    /// BigQuery's name.
    pub(super) name: String,
    /// SQLite's name.
    pub(super) sql: String,
    /// The columns, `c0` and so on in SQLite.
    pub(super) columns: Vec<Output>,
}

/// The state of compiling one query.
pub(super) struct Compiler<'a> {
    /// The tables; table n is `table<n>` in SQLite.
    pub(super) tables: &'a [Table],
    /// The query.
    pub(super) query: &'a Query<'a>,
    /// Its syntax tree.
    pub(super) parsed: &'a Parsed,
    /// Its parameters; number n is `?<n+1>` in SQLite.
    pub(super) bound: &'a [Bound],
    /// The (table, column) pairs read so far.
    pub(super) read: BTreeSet<(usize, usize)>,
    /// The tables named so far.
    pub(super) named: BTreeSet<usize>,
    /// The `WITH` clauses in scope, the latest last.
    pub(super) ctes: Vec<Cte>,
    /// Whether the current SELECT contains an aggregate.
    pub(super) aggregated: bool,
    next_alias: usize,
    depth: usize,
    steps: usize,
}

/// Writes a query as SQLite's SQL.
///
/// # Errors
///
/// Queries that BigQuery refuses, and those that the stand-in does not support.
pub(super) fn compile(
    tables: &[Table],
    query: &Query<'_>,
    parsed: &Parsed,
    bound: &[Bound],
) -> Result<Compiled> {
    let mut compiler = Compiler {
        tables,
        query,
        parsed,
        bound,
        read: BTreeSet::new(),
        named: BTreeSet::new(),
        ctes: Vec::new(),
        aggregated: false,
        next_alias: 0,
        depth: 0,
        steps: 0,
    };
    let (sql, columns) = compiler.query(&parsed.query)?;
    let mut seen = BTreeSet::new();
    let columns = name_columns(columns);
    for column in &columns {
        if !seen.insert(column.name.to_lowercase()) {
            return Err(QueryError::new(format!(
                "Duplicate column names in the result are not supported. Found duplicate(s): {}",
                column.name
            )));
        }
    }
    Ok(Compiled {
        sql,
        columns,
        read: compiler.read,
        named: compiler.named,
    })
}

/// A column of a SELECT list: its name, if it has one, and its type.
pub(super) type Output = (Option<String>, Type);

/// Names the unnamed columns `f0_`, `f1_` and so on.
fn name_columns(columns: Vec<Output>) -> Vec<Column> {
    let mut unnamed = 0;
    columns
        .into_iter()
        .map(|(name, kind)| {
            let name = name.unwrap_or_else(|| {
                unnamed += 1;
                format!("f{}_", unnamed - 1)
            });
            Column { name, kind }
        })
        .collect()
}

impl Compiler<'_> {
    /// A new name for use in SQLite.
    pub(super) fn alias(&mut self, prefix: char) -> String {
        self.next_alias += 1;
        format!("{prefix}{}", self.next_alias)
    }

    /// Runs one step of the traversal, within the limits.
    pub(super) fn step<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.steps += 1;
        if self.depth >= MAX_DEPTH || self.steps >= MAX_STEPS {
            return Err(QueryError::new("The query is nested too deeply for the stand-in"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// The parameter of `@name` or `?`: its number and its value.
    pub(super) fn placeholder(
        &self,
        text: &str,
        span: sqlparser::tokenizer::Span,
    ) -> Result<(usize, &Bound)> {
        if let Some(name) = text.strip_prefix('@') {
            let found = self.bound.iter().enumerate().find(|(_, bound)| {
                bound
                    .name
                    .as_deref()
                    .is_some_and(|known| known.eq_ignore_ascii_case(name))
            });
            return found.ok_or_else(|| QueryError::new(format!("Query parameter '{name}' not found")));
        }
        let position = self.parsed.positions.get(&span.start).filter(|_| text == "?");
        let Some(&position) = position else {
            return Err(QueryError::unsupported(format!("The placeholder {text}")));
        };
        match self.bound.get(position) {
            Some(bound) if bound.name.is_none() => Ok((position, bound)),
            Some(_) => Err(QueryError::new(
                "Positional parameters are not supported with named parameters",
            )),
            None => Err(QueryError::new(format!(
                "Query parameter number {} is not defined ({} provided)",
                position + 1,
                self.bound.len()
            ))),
        }
    }
}

/// Converts `value` to another type if BigQuery would do so implicitly.
///
/// # Errors
///
/// None if it would not: the caller knows the message.
pub(super) fn coerce(value: Typed, to: Type) -> Option<Typed> {
    match value.kind {
        None => Some(Typed {
            kind: Some(to),
            ..value
        }),
        Some(kind) if kind == to => Some(value),
        Some(Type::Integer) if to == Type::Float => Some(Typed {
            sql: format!("CAST({} AS REAL)", value.sql),
            kind: Some(to),
            constant: value.constant,
        }),
        Some(_) => None,
    }
}

/// The type that all values convert to implicitly; none if all of them are a bare `NULL`.
///
/// # Errors
///
/// `Err(())` if there is no such type.
pub(super) fn common<'t>(
    values: impl IntoIterator<Item = &'t Typed>,
) -> std::result::Result<Option<Type>, ()> {
    let mut common = None;
    for kind in values.into_iter().filter_map(|value| value.kind) {
        common = Some(match common {
            None => kind,
            Some(other) if other == kind => kind,
            Some(Type::Integer | Type::Float) if matches!(kind, Type::Integer | Type::Float) => Type::Float,
            Some(_) => return Err(()),
        });
    }
    Ok(common)
}

/// BigQuery's message for arguments of wrong types.
pub(super) fn no_signature(what: &str, values: &[&Typed]) -> QueryError {
    let kinds: Vec<_> = values.iter().map(|value| value.kind_name()).collect();
    QueryError::new(format!(
        "No matching signature for {what} for argument types: {}",
        kinds.join(", ")
    ))
}

/// Refuses the clause if it is present, by name.
pub(super) fn refuse(present: bool, what: &str) -> Result<()> {
    if present {
        Err(QueryError::unsupported(what))
    } else {
        Ok(())
    }
}

/// An alias that BigQuery accepts: bare or back-quoted.
///
/// # Errors
///
/// A string in place of an alias, which the parser accepts.
pub(super) fn alias_name(ident: &ast::Ident) -> Result<String> {
    match ident.quote_style {
        None | Some('`') => Ok(ident.value.clone()),
        Some(_) => Err(QueryError::new(format!(
            "Syntax error: Unexpected string literal {ident}"
        ))),
    }
}
