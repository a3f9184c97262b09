//! Compiles `ORDER BY` and `LIMIT`.

use sqlparser::ast::{self, Expr, LimitClause, OrderByKind, OrderBySort};

use super::Type;
use super::compiler::{Compiler, Output, refuse};
use super::error::{QueryError, Result};
use super::scope::{Place, Scope, unrecognized};
use super::select::{Open, aliases};
use super::value::Value;

impl Compiler<'_> {
    /// Compiles an `ORDER BY`, with a space before it.
    pub(super) fn order_by(&mut self, order: &ast::OrderBy, open: &Open) -> Result<String> {
        let aliases = aliases(&open.outputs, &open.list);
        let place = match &open.groups {
            Some(groups) => Place::Groups(groups),
            None => Place::Rows("ORDER BY of a query without GROUP BY"),
        };
        let scope = Scope {
            sources: &open.sources,
            place,
            aliases: &aliases,
            alias_wins: true,
        };
        let mut terms = Vec::new();
        for (expr, direction) in order_terms(order)? {
            let place = match (ordinal(expr, &open.list, "ORDER BY")?, expr) {
                (Some(place), _) => Some(place),
                (None, Expr::Identifier(ident)) => match scope.alias(&ident.value)? {
                    Some(typed) => open.list.iter().position(|item| item == typed),
                    None => None,
                },
                (None, _) => None,
            };
            let place = match place {
                Some(place) => Some(place),
                None => {
                    let typed = self.expression(expr, scope)?;
                    if typed.constant {
                        // A constant does not order anything, and SQLite would read a number as a column.
                        continue;
                    }
                    refuse(typed.kind == Some(Type::Bytes), "The order of BYTES")?;
                    let place = open.list.iter().position(|item| item.sql == typed.sql);
                    if place.is_none() && open.distinct {
                        return Err(QueryError::new(format!(
                            "ORDER BY clause expression references {expr} which is not visible after SELECT DISTINCT"
                        )));
                    }
                    if place.is_none() {
                        terms.push(format!("{}{direction}", typed.sql));
                    }
                    place
                }
            };
            if let Some(place) = place {
                let bytes = open
                    .list
                    .get(place)
                    .is_some_and(|item| item.kind == Some(Type::Bytes));
                refuse(bytes, "The order of BYTES")?;
                terms.push(format!("{}{direction}", place + 1));
            }
        }
        Ok(if terms.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", terms.join(", "))
        })
    }

    /// Compiles `LIMIT` and `OFFSET`.
    pub(super) fn limit(&mut self, clause: &LimitClause) -> Result<String> {
        let LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        } = clause
        else {
            return Err(QueryError::new("Syntax error: Unexpected \",\" in LIMIT"));
        };
        refuse(!limit_by.is_empty(), "LIMIT BY")?;
        let Some(limit) = limit else {
            return Err(QueryError::new(
                "Syntax error: Unexpected keyword OFFSET without LIMIT",
            ));
        };
        let mut sql = format!(" LIMIT {}", self.count(limit, "LIMIT")?);
        if let Some(offset) = offset {
            sql.push_str(&format!(" OFFSET {}", self.count(&offset.value, "OFFSET")?));
        }
        Ok(sql)
    }

    fn count(&self, expr: &Expr, clause: &str) -> Result<i64> {
        let bad = || {
            QueryError::new(format!(
                "{clause} expects a non-negative integer literal or parameter"
            ))
        };
        let Expr::Value(value) = expr else {
            return Err(bad());
        };
        match &value.value {
            ast::Value::Number(text, false) => text.parse().map_err(|_| bad()),
            ast::Value::Placeholder(text) => match self.placeholder(text, value.span)?.1 {
                bound if bound.kind == Type::Integer && !bound.array => match bound.value {
                    Value::Integer(value) if value >= 0 => Ok(value),
                    _ => Err(bad()),
                },
                _ => Err(bad()),
            },
            _ => Err(bad()),
        }
    }
}

/// The position in the SELECT list that a bare number refers to.
pub(super) fn ordinal<T>(expr: &Expr, list: &[T], clause: &str) -> Result<Option<usize>> {
    let Expr::Value(value) = expr else {
        return Ok(None);
    };
    let ast::Value::Number(text, false) = &value.value else {
        return Ok(None);
    };
    match text
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1))
    {
        Some(place) if place < list.len() => Ok(Some(place)),
        _ => Err(QueryError::new(format!(
            "{clause} is out of SELECT column number range: {text} (the list has {})",
            list.len()
        ))),
    }
}

/// The terms of an `ORDER BY`, each with SQLite's direction. NULL is the least value in both, unless stated otherwise.
fn order_terms(order: &ast::OrderBy) -> Result<Vec<(&Expr, &'static str)>> {
    refuse(order.interpolate.is_some(), "INTERPOLATE")?;
    let OrderByKind::Expressions(items) = &order.kind else {
        return Err(QueryError::unsupported("ORDER BY ALL"));
    };
    let mut terms = Vec::new();
    for item in items {
        refuse(item.with_fill.is_some(), "WITH FILL")?;
        let direction = match (&item.options.sort, item.options.nulls_first) {
            (None | Some(OrderBySort::Asc), None | Some(true)) => " ASC",
            (None | Some(OrderBySort::Asc), Some(false)) => " ASC NULLS LAST",
            (Some(OrderBySort::Desc), None | Some(false)) => " DESC",
            (Some(OrderBySort::Desc), Some(true)) => " DESC NULLS FIRST",
            (Some(OrderBySort::Using(_)), _) => return Err(QueryError::unsupported("ORDER BY USING")),
        };
        terms.push((&item.expr, direction));
    }
    Ok(terms)
}

/// The `ORDER BY` of a `UNION`, which sees only the columns of the result.
pub(super) fn order_by_output(order: &ast::OrderBy, outputs: &[Output]) -> Result<String> {
    let mut terms = Vec::new();
    for (expr, direction) in order_terms(order)? {
        let named = |ident: &ast::Ident| {
            let same = |(name, _): &Output| {
                name.as_deref()
                    .is_some_and(|n| n.eq_ignore_ascii_case(&ident.value))
            };
            outputs
                .iter()
                .position(same)
                .ok_or_else(|| unrecognized(&ident.value))
        };
        let place = match (ordinal(expr, outputs, "ORDER BY")?, expr) {
            (Some(place), _) => place,
            (None, Expr::Identifier(ident)) => named(ident)?,
            (None, _) => return Err(QueryError::unsupported("ORDER BY an expression after UNION")),
        };
        let bytes = outputs.get(place).is_some_and(|(_, kind)| *kind == Type::Bytes);
        refuse(bytes, "The order of BYTES")?;
        terms.push(format!("{}{direction}", place + 1));
    }
    Ok(format!(" ORDER BY {}", terms.join(", ")))
}
