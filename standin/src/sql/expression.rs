//! Compiles expressions: names, literals, conditions, CASE and casts.

use sqlparser::ast::{self, CastKind, DataType, Expr};

use super::Type;
use super::compiler::{Compiler, coerce, no_signature};
use super::error::{QueryError, Result};
use super::literal;
use super::operator::{refuse_chain, unify};
use super::scope::{Offered, Place, Scope, Typed, unrecognized};
use super::value::{self, Value};

impl Compiler<'_> {
    /// Compiles an expression.
    pub(super) fn expression(&mut self, expr: &Expr, scope: Scope<'_>) -> Result<Typed> {
        if let Place::Groups(groups) = scope.place {
            // A grouping expression is used as a whole; any other expression is examined part by part.
            let aggregated = self.aggregated;
            let whole = match expr {
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::Value(_) => None,
                _ => self
                    .step(|this| this.plain(expr, scope.at(Place::Rows("GROUP BY"))))
                    .ok(),
            };
            self.aggregated = aggregated;
            if let Some(typed) = whole.filter(|typed| groups.contains(&typed.sql)) {
                return Ok(typed);
            }
        }
        self.step(|this| this.plain(expr, scope))
    }

    fn plain(&mut self, expr: &Expr, scope: Scope<'_>) -> Result<Typed> {
        match expr {
            Expr::Nested(inner) => self.expression(inner, scope),
            Expr::Identifier(ident) => self.name(&ident.value, scope),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => {
                    let offered = scope.qualified(&table.value, &column.value)?;
                    self.offered(offered, scope)
                }
                [first, ..] => Err(unrecognized(&first.value)),
                [] => Err(QueryError::new("Syntax error: Unexpected empty name")),
            },
            Expr::Value(value) => self.literal(value),
            Expr::TypedString(typed) => typed_literal(typed),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, scope),
            Expr::UnaryOp { op, expr } => self.unary(op, expr, scope),
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..) => self.is(expr, scope),
            Expr::InList { .. } | Expr::InSubquery { .. } | Expr::InUnnest { .. } => self.within(expr, scope),
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => self.between(expr, *negated, low, high, scope),
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => {
                refuse_chain(&[expr, pattern])?;
                let (value, pattern) = (self.expression(expr, scope)?, self.expression(pattern, scope)?);
                let unlike = no_signature("operator LIKE", &[&value, &pattern]);
                let (Some(value), Some(pattern)) =
                    (coerce(value, Type::String), coerce(pattern, Type::String))
                else {
                    return Err(unlike);
                };
                let not = if *negated { "NOT " } else { "" };
                Ok(Typed::new(
                    format!("({not}bq_like({}, {}))", value.sql, pattern.sql),
                    Type::Boolean,
                ))
            }
            Expr::Case {
                case_token: _,
                end_token: _,
                operand,
                conditions,
                else_result,
            } => self.case(operand.as_deref(), conditions, else_result.as_deref(), scope),
            Expr::Cast {
                kind,
                expr,
                data_type,
                format: None,
            } => {
                let value = self.expression(expr, scope)?;
                cast(kind, &value, data_type)
            }
            Expr::Function(function) => self.function(function, scope),
            Expr::Substring { .. } | Expr::Trim { .. } | Expr::Ceil { .. } | Expr::Floor { .. } => {
                self.special_call(expr, scope)
            }
            Expr::Exists { subquery, negated } => {
                let (sql, _) = self.query(subquery)?;
                let not = if *negated { "NOT " } else { "" };
                Ok(Typed::new(format!("({not}EXISTS ({sql}))"), Type::Boolean))
            }
            Expr::Subquery(query) => {
                let (sql, outputs) = self.query(query)?;
                match outputs.as_slice() {
                    // SQLite would take the first of several rows; BigQuery refuses.
                    [(_, kind)] => Ok(Typed::new(
                        format!("(SELECT bq_one(COUNT(*), MIN(c0)) FROM ({sql}))"),
                        *kind,
                    )),
                    _ => Err(QueryError::new(format!(
                        "Scalar subquery cannot have more than one column unless using SELECT AS STRUCT: {} columns",
                        outputs.len()
                    ))),
                }
            }
            Expr::Array(_) => Err(QueryError::unsupported("An ARRAY outside UNNEST")),
            other => Err(QueryError::unsupported(format!("Expression {other}"))),
        }
    }

    fn name(&mut self, name: &str, scope: Scope<'_>) -> Result<Typed> {
        let alias = scope.alias(name)?;
        let column = match scope.column(name) {
            Err(_) if alias.is_some() && scope.alias_wins => None,
            column => column?,
        };
        match (alias, column) {
            (Some(alias), Some(column)) if !scope.alias_wins && alias.sql != column.sql => {
                Err(QueryError::new(format!(
                    "Name {name} is ambiguous: it is both a column and an alias"
                )))
            }
            (Some(alias), _) => Ok(alias.clone()),
            (None, Some(column)) => self.offered(column, scope),
            (None, None) => Err(unrecognized(name)),
        }
    }

    /// A column of the `FROM`, if it is allowed here.
    pub(super) fn offered(&mut self, column: &Offered, scope: Scope<'_>) -> Result<Typed> {
        if let Place::Groups(groups) = scope.place
            && !groups.contains(&column.sql)
        {
            return Err(QueryError::new(format!(
                "SELECT list expression references column {} which is neither grouped nor aggregated",
                column.name
            )));
        }
        self.read.extend(column.origin);
        Ok(Typed::new(column.sql.clone(), column.kind))
    }

    fn literal(&mut self, value: &ast::ValueWithSpan) -> Result<Typed> {
        use ast::Value as Literal;
        let text = |text: Result<String>| Ok(Typed::constant(literal::quote(&text?)?, Some(Type::String)));
        match &value.value {
            Literal::Number(text, false) => number(text),
            Literal::SingleQuotedString(raw) => text(literal::unescape(raw, Some('\''))),
            Literal::DoubleQuotedString(raw) => text(literal::unescape(raw, Some('"'))),
            Literal::TripleSingleQuotedString(raw) | Literal::TripleDoubleQuotedString(raw) => {
                text(literal::unescape(raw, None))
            }
            Literal::SingleQuotedRawStringLiteral(raw) => text(literal::raw(raw, Some('\''))),
            Literal::DoubleQuotedRawStringLiteral(raw) => text(literal::raw(raw, Some('"'))),
            Literal::Boolean(value) => Ok(Typed::constant(u8::from(*value).to_string(), Some(Type::Boolean))),
            Literal::Null => Ok(Typed::constant("NULL".to_owned(), None)),
            Literal::Placeholder(text) => {
                let (number, bound) = self.placeholder(text, value.span)?;
                if bound.array {
                    return Err(QueryError::unsupported(format!(
                        "The array {text} outside UNNEST"
                    )));
                }
                Ok(Typed::constant(format!("?{}", number + 1), Some(bound.kind)))
            }
            other => Err(QueryError::unsupported(format!("Literal {other}"))),
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&Expr>,
        scope: Scope<'_>,
    ) -> Result<Typed> {
        let operand = operand
            .map(|operand| self.expression(operand, scope))
            .transpose()?;
        let mut whens = Vec::new();
        let mut values = Vec::new();
        for branch in conditions {
            let condition = self.expression(&branch.condition, scope)?;
            whens.push(match &operand {
                Some(operand) => super::operator::compare("=", operand.clone(), condition)?.sql,
                None => {
                    let unlike = no_signature("CASE", &[&condition]);
                    coerce(condition, Type::Boolean).ok_or(unlike)?.sql
                }
            });
            values.push(self.expression(&branch.result, scope)?);
        }
        if let Some(otherwise) = otherwise {
            values.push(self.expression(otherwise, scope)?);
        }
        let all: Vec<_> = values.iter().collect();
        let unlike = no_signature("CASE", &all);
        let values = unify(values).ok_or(unlike)?;
        let kind = values.first().and_then(|value| value.kind);
        let mut sql = String::from("(CASE");
        for (when, value) in whens.iter().zip(&values) {
            sql.push_str(&format!(" WHEN {when} THEN {}", value.sql));
        }
        if let Some(value) = values.get(whens.len()) {
            sql.push_str(&format!(" ELSE {}", value.sql));
        }
        sql.push_str(" END)");
        Ok(Typed {
            sql,
            kind,
            constant: false,
        })
    }
}

/// A number: an INT64 without a point or exponent, else a FLOAT64.
pub(super) fn number(text: &str) -> Result<Typed> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if digits(text) {
        return match text.parse::<i64>() {
            Ok(value) => Ok(Typed::constant(value.to_string(), Some(Type::Integer))),
            Err(_) => Err(QueryError::new(format!("Invalid integer literal: {text}"))),
        };
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Typed::constant(format!("{value:?}"), Some(Type::Float))),
        _ => Err(QueryError::new(format!("Invalid floating point literal: {text}"))),
    }
}

/// `DATE '…'` and `TIMESTAMP '…'`.
fn typed_literal(typed: &ast::TypedString) -> Result<Typed> {
    let kind = match &typed.data_type {
        DataType::Date => Type::Date,
        DataType::Timestamp(None, ast::TimezoneInfo::None) => Type::Timestamp,
        other => return Err(QueryError::unsupported(format!("A literal of type {other}"))),
    };
    let text = match &typed.value.value {
        ast::Value::SingleQuotedString(raw) => literal::unescape(raw, Some('\''))?,
        ast::Value::DoubleQuotedString(raw) => literal::unescape(raw, Some('"'))?,
        other => return Err(QueryError::unsupported(format!("Literal {other}"))),
    };
    let sql = match value::read(kind, &text) {
        Ok(Value::Integer(value)) => value.to_string(),
        Ok(Value::Text(text)) => literal::quote(&text)?,
        _ => {
            return Err(QueryError::new(format!(
                "Invalid {} literal: '{text}'",
                kind.sql_name()
            )));
        }
    };
    Ok(Typed::constant(sql, Some(kind)))
}

/// `CAST` and `SAFE_CAST`; the latter is NULL if the former fails.
fn cast(how: &CastKind, value: &Typed, to: &DataType) -> Result<Typed> {
    let safe = match how {
        CastKind::Cast => 0,
        CastKind::SafeCast => 1,
        CastKind::TryCast | CastKind::DoubleColon => {
            return Err(QueryError::new("Syntax error: Expected CAST or SAFE_CAST"));
        }
    };
    let kind = match to {
        DataType::Int64 | DataType::Integer(None) | DataType::Int(None) | DataType::BigInt(None) => {
            Type::Integer
        }
        DataType::Float64 => Type::Float,
        DataType::String(None) => Type::String,
        DataType::Bool | DataType::Boolean => Type::Boolean,
        other => return Err(QueryError::unsupported(format!("CAST to {other}"))),
    };
    let sql = &value.sql;
    let sql = match (value.kind.unwrap_or(kind), kind) {
        (from, to) if from == to => sql.clone(),
        (Type::Integer, Type::Float) => format!("CAST({sql} AS REAL)"),
        (Type::Integer, Type::String) => format!("CAST({sql} AS TEXT)"),
        (Type::Boolean, Type::Integer) => sql.clone(),
        (Type::Integer, Type::Boolean) => format!("({sql} <> 0)"),
        (Type::Boolean, Type::String) => format!("(CASE {sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"),
        (Type::String, Type::Integer) => format!("bq_to_integer({sql}, {safe})"),
        (Type::String, Type::Float) => format!("bq_to_float({sql}, {safe})"),
        (Type::String, Type::Boolean) => format!("bq_to_boolean({sql}, {safe})"),
        (Type::Float, Type::Integer) => format!("bq_round_to_integer({sql}, {safe})"),
        (from, to) => {
            let (from, to) = (from.sql_name(), to.sql_name());
            return Err(QueryError::unsupported(format!("CAST from {from} to {to}")));
        }
    };
    Ok(Typed {
        sql,
        kind: Some(kind),
        constant: value.constant,
    })
}
