//! The meaning of a name at a position in a query.

use super::Type;
use super::error::{QueryError, Result};

/// An expression written as SQLite's SQL, with the type that BigQuery gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Typed {
    /// SQLite's SQL, in parentheses if it needs any.
    pub(super) sql: String,
    /// The type; a bare `NULL` has none and fits all types.
    pub(super) kind: Option<Type>,
    /// Whether it is a literal or a parameter, which cannot be used for grouping or ordering.
    pub(super) constant: bool,
}

impl Typed {
    /// An expression of a known type.
    pub(super) fn new(sql: String, kind: Type) -> Self {
        Self {
            sql,
            kind: Some(kind),
            constant: false,
        }
    }

    /// A literal or parameter.
    pub(super) fn constant(sql: String, kind: Option<Type>) -> Self {
        Self {
            sql,
            kind,
            constant: true,
        }
    }

    /// The type's name in messages; a bare `NULL` is an INT64, as in BigQuery.
    pub(super) fn kind_name(&self) -> &'static str {
        self.kind.unwrap_or(Type::Integer).sql_name()
    }
}

/// A column that a `FROM` offers.
#[derive(Debug, Clone)]
pub(super) struct Offered {
    /// BigQuery's name.
    pub(super) name: String,
    /// SQLite's name.
    pub(super) sql: String,
    /// The type.
    pub(super) kind: Type,
    /// The table and column that it is read from, for the byte count.
    pub(super) origin: Option<(usize, usize)>,
}

/// One item of a `FROM`.
#[derive(Debug, Clone)]
pub(super) struct FromItem {
    /// Its alias, if any.
    pub(super) alias: Option<String>,
    /// Its columns.
    pub(super) columns: Vec<Offered>,
    /// Whether the alias itself is the value, as in `UNNEST(…) AS x`.
    pub(super) is_value: bool,
}

/// How columns and aggregates may be used at a position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'s> {
    /// Row by row: aggregates are not allowed. The clause's name is for messages.
    Rows(&'static str),
    /// In the arguments of an aggregate.
    Argument,
    /// The first pass over a SELECT list: everything is allowed, and aggregates are noted.
    Survey,
    /// After grouping: only these expressions, constants and aggregates are allowed.
    Groups(&'s [String]),
}

/// The names in scope, and what is allowed here.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The items of the `FROM`.
    pub(super) sources: &'s [FromItem],
    /// The expressions that are allowed here.
    pub(super) place: Place<'s>,
    /// The names of the SELECT list, if they are in scope.
    pub(super) aliases: &'s [(String, Typed)],
    /// Whether a name of the SELECT list hides that of a column, as in `ORDER BY`; otherwise such a name is ambiguous.
    pub(super) alias_wins: bool,
}

impl<'s> Scope<'s> {
    /// The same names at another position.
    pub(super) fn at(self, place: Place<'s>) -> Self {
        Self { place, ..self }
    }

    /// The column with an unqualified name.
    pub(super) fn column(&self, name: &str) -> Result<Option<&'s Offered>> {
        let mut found = None;
        for source in self.sources {
            for column in &source.columns {
                if column.name.eq_ignore_ascii_case(name) && found.replace(column).is_some() {
                    return Err(QueryError::new(format!("Column name {name} is ambiguous")));
                }
            }
        }
        if found.is_none() && self.source(name).is_some() {
            return Err(QueryError::unsupported(format!(
                "A whole row as a value, {name},"
            )));
        }
        Ok(found)
    }

    /// The item of the `FROM` with this alias.
    pub(super) fn source(&self, alias: &str) -> Option<&'s FromItem> {
        self.sources.iter().find(|source| {
            source
                .alias
                .as_deref()
                .is_some_and(|a| a.eq_ignore_ascii_case(alias))
        })
    }

    /// A column qualified by its table's alias.
    pub(super) fn qualified(&self, alias: &str, name: &str) -> Result<&'s Offered> {
        let Some(source) = self.source(alias) else {
            return Err(unrecognized(alias));
        };
        if source.is_value {
            return Err(QueryError::new(format!(
                "Cannot access field {name} on a value that is not a STRUCT: {alias}"
            )));
        }
        let mut columns = source
            .columns
            .iter()
            .filter(|column| column.name.eq_ignore_ascii_case(name));
        match (columns.next(), columns.next()) {
            (Some(column), None) => Ok(column),
            (Some(_), Some(_)) => Err(QueryError::new(format!("Column name {name} is ambiguous"))),
            (None, _) => Err(QueryError::new(format!("Name {name} not found inside {alias}"))),
        }
    }

    /// A name of the SELECT list.
    pub(super) fn alias(&self, name: &str) -> Result<Option<&'s Typed>> {
        let mut found = None;
        for (alias, typed) in self.aliases {
            if alias.eq_ignore_ascii_case(name) && found.replace(typed).is_some_and(|other| other != typed) {
                return Err(QueryError::new(format!("Name {name} is ambiguous")));
            }
        }
        Ok(found)
    }
}

/// BigQuery's message for an unknown name.
pub(super) fn unrecognized(name: &str) -> QueryError {
    QueryError::new(format!("Unrecognized name: {name}"))
}
