//! Compiles aggregate functions.

use super::Type;
use super::compiler::{Compiler, coerce, no_signature};
use super::error::{QueryError, Result};
use super::scope::{Place, Scope, Typed};
use sqlparser::ast::Expr;

/// Whether it is the name, in capitals, of an aggregate that the stand-in supports.
pub(super) fn is_aggregate(name: &str) -> bool {
    matches!(
        name,
        "COUNT" | "SUM" | "AVG" | "MIN" | "MAX" | "COUNTIF" | "ANY_VALUE" | "LOGICAL_AND" | "LOGICAL_OR"
    )
}

impl Compiler<'_> {
    /// Compiles an aggregate; without an argument it is `COUNT(*)`.
    pub(super) fn aggregate(
        &mut self,
        name: &str,
        distinct: bool,
        argument: Option<&Expr>,
        scope: Scope<'_>,
    ) -> Result<Typed> {
        match scope.place {
            Place::Rows(clause) => {
                return Err(QueryError::new(format!(
                    "Aggregate function {name} not allowed in {clause}"
                )));
            }
            Place::Argument => return Err(QueryError::new("Aggregations of aggregations are not allowed")),
            Place::Survey | Place::Groups(_) => {}
        }
        let Some(argument) = argument else {
            self.aggregated = true;
            return Ok(Typed::new("COUNT(*)".to_owned(), Type::Integer));
        };
        // A name of the SELECT list may itself be an aggregate, so only the FROM is in scope.
        let inner = Scope {
            aliases: &[],
            ..scope.at(Place::Argument)
        };
        let value = self.expression(argument, inner)?;
        self.aggregated = true;
        let unlike = no_signature(&format!("aggregate function {name}"), &[&value]);
        let kind = value.kind.unwrap_or(Type::Integer);
        let all = if distinct { "DISTINCT " } else { "" };
        let sql = &value.sql;
        let (sql, kind) = match (name, kind) {
            ("COUNT", _) => (format!("COUNT({all}{sql})"), Type::Integer),
            ("SUM" | "AVG", Type::Float) => (format!("bq_finite(COUNT({sql}), {name}({all}{sql}))"), kind),
            ("SUM", Type::Integer) => (format!("SUM({all}{sql})"), kind),
            ("AVG", Type::Integer) => (format!("AVG({all}{sql})"), Type::Float),
            ("MIN" | "MAX", Type::Bytes) => return Err(QueryError::unsupported("The order of BYTES")),
            ("MIN" | "MAX", _) => (format!("{name}({all}{sql})"), kind),
            // Any value is right: the minimum is the same each time.
            ("ANY_VALUE", _) if !distinct => (format!("MIN({sql})"), kind),
            ("COUNTIF", Type::Boolean) if !distinct => (format!("COUNT(NULLIF({sql}, 0))"), Type::Integer),
            ("LOGICAL_AND", _) if !distinct => match coerce(value, Type::Boolean) {
                Some(value) => (format!("MIN({})", value.sql), Type::Boolean),
                None => return Err(unlike),
            },
            ("LOGICAL_OR", _) if !distinct => match coerce(value, Type::Boolean) {
                Some(value) => (format!("MAX({})", value.sql), Type::Boolean),
                None => return Err(unlike),
            },
            (_, _) if distinct => return Err(QueryError::unsupported(format!("{name} with DISTINCT"))),
            _ => return Err(unlike),
        };
        Ok(Typed::new(sql, kind))
    }
}
