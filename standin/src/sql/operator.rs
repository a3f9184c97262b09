//! Compiles operators. Arithmetic uses our own functions, because SQLite would turn an overflow into a float.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::Type;
use super::compiler::{Compiler, coerce, common, no_signature};
use super::error::{QueryError, Result};
use super::expression::number;
use super::scope::{Scope, Typed};

/// Converts all values to their common type; none if there is none.
pub(super) fn unify(values: Vec<Typed>) -> Option<Vec<Typed>> {
    let Some(kind) = common(&values).ok()? else {
        return Some(values);
    };
    values.into_iter().map(|value| coerce(value, kind)).collect()
}

/// A comparison of two values of one type. An INT64 and a FLOAT64 are compared exactly, as BigQuery does.
pub(super) fn compare(operator: &str, left: Typed, right: Typed) -> Result<Typed> {
    let kind = common([&left, &right])
        .map_err(|()| no_signature(&format!("operator {operator}"), &[&left, &right]))?;
    if kind == Some(Type::Bytes) && !matches!(operator, "=" | "!=") {
        return Err(QueryError::unsupported("The order of BYTES"));
    }
    let sql = if operator == "!=" { "<>" } else { operator };
    Ok(Typed::new(
        format!("({} {sql} {})", left.sql, right.sql),
        Type::Boolean,
    ))
}

impl Compiler<'_> {
    /// Compiles an operator between two expressions.
    pub(super) fn binary(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        scope: Scope<'_>,
    ) -> Result<Typed> {
        if matches!(
            op,
            BinaryOperator::And | BinaryOperator::Or | BinaryOperator::StringConcat
        ) {
            return self.chain(left, op, right, scope);
        }
        if is_comparison_operator(op) {
            refuse_chain(&[left, right])?;
        }
        let (left, right) = (self.expression(left, scope)?, self.expression(right, scope)?);
        match op {
            BinaryOperator::Eq => compare("=", left, right),
            BinaryOperator::NotEq => compare("!=", left, right),
            BinaryOperator::Lt => compare("<", left, right),
            BinaryOperator::LtEq => compare("<=", left, right),
            BinaryOperator::Gt => compare(">", left, right),
            BinaryOperator::GtEq => compare(">=", left, right),
            BinaryOperator::Plus => arithmetic("+", "add", left, right),
            BinaryOperator::Minus => arithmetic("-", "subtract", left, right),
            BinaryOperator::Multiply => arithmetic("*", "multiply", left, right),
            BinaryOperator::Divide => divide(left, right, false),
            other => Err(QueryError::unsupported(format!("Operator {other}"))),
        }
    }

    /// `AND`, `OR` and `||` of many parts, which the parser nests to the left, as one flat chain: long ones do not nest
    /// deeply.
    fn chain(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, scope: Scope<'_>) -> Result<Typed> {
        let mut parts = vec![right];
        let mut rest = left;
        while let Expr::BinaryOp {
            left,
            op: next,
            right,
        } = rest
            && next == op
        {
            parts.push(right);
            rest = left;
        }
        parts.push(rest);
        let mut values = Vec::with_capacity(parts.len());
        for part in parts.into_iter().rev() {
            values.push(self.expression(part, scope)?);
        }
        let kind = if *op == BinaryOperator::StringConcat {
            Type::String
        } else {
            Type::Boolean
        };
        let all: Vec<_> = values.iter().collect();
        let unlike = no_signature(&format!("operator {op}"), &all);
        let mut sql = Vec::with_capacity(values.len());
        for value in values {
            match coerce(value, kind) {
                Some(value) => sql.push(value.sql),
                None => return Err(unlike),
            }
        }
        // As a balanced tree, because SQLite also limits the depth of an expression.
        Ok(Typed::new(balanced(&sql, &format!(" {op} ")), kind))
    }

    /// Compiles `NOT`, `-` and `+`.
    pub(super) fn unary(&mut self, op: &UnaryOperator, expr: &Expr, scope: Scope<'_>) -> Result<Typed> {
        // The least INT64 has no positive counterpart, so a literal keeps its sign.
        if let (UnaryOperator::Minus, Expr::Value(value)) = (op, expr)
            && matches!(&value.value, sqlparser::ast::Value::Number(text, false) if text == "9223372036854775808")
        {
            return Ok(Typed::constant(
                "(-9223372036854775807 - 1)".to_owned(),
                Some(Type::Integer),
            ));
        }
        if let (UnaryOperator::Minus, Expr::Value(value)) = (op, expr)
            && let sqlparser::ast::Value::Number(text, false) = &value.value
        {
            let value = number(text)?;
            return Ok(Typed::constant(format!("(-{})", value.sql), value.kind));
        }
        let value = self.expression(expr, scope)?;
        let refused = no_signature(&format!("operator {op}"), &[&value]);
        match (op, value.kind) {
            (UnaryOperator::Not, None | Some(Type::Boolean)) => {
                Ok(Typed::new(format!("(NOT {})", value.sql), Type::Boolean))
            }
            (UnaryOperator::Minus, None | Some(Type::Integer)) => Ok(Typed::new(
                format!("bq_subtract_integers(0, {})", value.sql),
                Type::Integer,
            )),
            (UnaryOperator::Minus, Some(Type::Float)) => {
                Ok(Typed::new(format!("(-{})", value.sql), Type::Float))
            }
            (UnaryOperator::Plus, None | Some(Type::Integer | Type::Float)) => Ok(value),
            (UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus, _) => Err(refused),
            (other, _) => Err(QueryError::unsupported(format!("Operator {other}"))),
        }
    }

    /// Compiles the `IS` family.
    pub(super) fn is(&mut self, expr: &Expr, scope: Scope<'_>) -> Result<Typed> {
        let (inner, test, boolean) = match expr {
            Expr::IsNull(inner) => (inner, "IS NULL", false),
            Expr::IsNotNull(inner) => (inner, "IS NOT NULL", false),
            Expr::IsTrue(inner) => (inner, "IS 1", true),
            Expr::IsNotTrue(inner) => (inner, "IS NOT 1", true),
            Expr::IsFalse(inner) => (inner, "IS 0", true),
            Expr::IsNotFalse(inner) => (inner, "IS NOT 0", true),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                refuse_chain(&[left, right])?;
                let (left, right) = (self.expression(left, scope)?, self.expression(right, scope)?);
                let unlike = no_signature("operator IS DISTINCT FROM", &[&left, &right]);
                common([&left, &right]).map_err(|()| unlike)?;
                let not = if matches!(expr, Expr::IsDistinctFrom(..)) {
                    " NOT"
                } else {
                    ""
                };
                return Ok(Typed::new(
                    format!("({} IS{not} {})", left.sql, right.sql),
                    Type::Boolean,
                ));
            }
            other => return Err(QueryError::unsupported(format!("Expression {other}"))),
        };
        refuse_chain(&[inner])?;
        let value = self.expression(inner, scope)?;
        if boolean && value.kind.is_some_and(|kind| kind != Type::Boolean) {
            return Err(no_signature(&format!("operator {test}"), &[&value]));
        }
        Ok(Typed::new(format!("({} {test})", value.sql), Type::Boolean))
    }

    /// Compiles `IN` of a list, a subquery or `UNNEST`.
    pub(super) fn within(&mut self, expr: &Expr, scope: Scope<'_>) -> Result<Typed> {
        if let Expr::InList { expr, .. } | Expr::InSubquery { expr, .. } | Expr::InUnnest { expr, .. } = expr
        {
            refuse_chain(&[expr])?;
        }
        let (value, negated, set) = match expr {
            Expr::InList { expr, list, negated } => {
                let value = self.expression(expr, scope)?;
                let mut items = Vec::with_capacity(list.len());
                for item in list {
                    let item = self.expression(item, scope)?;
                    let unlike = no_signature("operator IN", &[&value, &item]);
                    common([&value, &item]).map_err(|()| unlike)?;
                    items.push(item.sql);
                }
                (value, negated, format!("({})", items.join(", ")))
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => {
                let value = self.expression(expr, scope)?;
                let (sql, outputs) = self.query(subquery)?;
                let [(_, kind)] = outputs.as_slice() else {
                    return Err(QueryError::new(format!(
                        "Subquery of type IN must have only one output column, it has {}",
                        outputs.len()
                    )));
                };
                let item = Typed::new(String::new(), *kind);
                common([&value, &item]).map_err(|()| no_signature("operator IN", &[&value, &item]))?;
                (value, negated, format!("({sql})"))
            }
            Expr::InUnnest {
                expr,
                array_expr,
                negated,
            } => {
                let value = self.expression(expr, scope)?;
                let items = self.array(array_expr, scope)?;
                common([&value, &items])
                    .map_err(|()| no_signature("operator IN UNNEST", &[&value, &items]))?;
                (value, negated, items.sql)
            }
            other => return Err(QueryError::unsupported(format!("Expression {other}"))),
        };
        let not = if *negated { "NOT " } else { "" };
        Ok(Typed::new(
            format!("({} {not}IN {set})", value.sql),
            Type::Boolean,
        ))
    }

    /// Compiles `BETWEEN`.
    pub(super) fn between(
        &mut self,
        expr: &Expr,
        negated: bool,
        low: &Expr,
        high: &Expr,
        scope: Scope<'_>,
    ) -> Result<Typed> {
        refuse_chain(&[expr, low, high])?;
        let value = self.expression(expr, scope)?;
        let (low, high) = (self.expression(low, scope)?, self.expression(high, scope)?);
        let unlike = no_signature("operator BETWEEN", &[&value, &low, &high]);
        if common([&value, &low, &high]).map_err(|()| unlike)? == Some(Type::Bytes) {
            return Err(QueryError::unsupported("The order of BYTES"));
        }
        let not = if negated { "NOT " } else { "" };
        Ok(Typed::new(
            format!("({} {not}BETWEEN {} AND {})", value.sql, low.sql, high.sql),
            Type::Boolean,
        ))
    }
}

/// Refuses an operand that is a comparison without parentheses: BigQuery's comparisons do not chain.
pub(super) fn refuse_chain(operands: &[&Expr]) -> Result<()> {
    let comparison = |expr: &Expr| match expr {
        Expr::BinaryOp { op, .. } => is_comparison_operator(op),
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::InUnnest { .. }
        | Expr::Between { .. }
        | Expr::Like { .. } => true,
        _ => false,
    };
    match operands.iter().find(|operand| comparison(operand)) {
        Some(operand) => Err(QueryError::new(format!(
            "Syntax error: Comparisons do not chain: put {operand} in parentheses"
        ))),
        None => Ok(()),
    }
}

fn is_comparison_operator(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

/// `+`, `-` or `*`: of INT64s, or of FLOAT64s if either is one.
fn arithmetic(operator: &str, function: &str, left: Typed, right: Typed) -> Result<Typed> {
    let unlike = no_signature(&format!("operator {operator}"), &[&left, &right]);
    match common([&left, &right]) {
        Ok(None | Some(Type::Integer)) => {
            let sql = format!("bq_{function}_integers({}, {})", left.sql, right.sql);
            Ok(Typed::new(sql, Type::Integer))
        }
        Ok(Some(Type::Float)) => match (coerce(left, Type::Float), coerce(right, Type::Float)) {
            (Some(left), Some(right)) => Ok(Typed::new(
                format!("bq_{function}_floats({}, {})", left.sql, right.sql),
                Type::Float,
            )),
            _ => Err(unlike),
        },
        _ => Err(unlike),
    }
}

/// `/` and `SAFE_DIVIDE`: always of FLOAT64s; the latter is NULL if the former fails.
pub(super) fn divide(left: Typed, right: Typed, safe: bool) -> Result<Typed> {
    let what = if safe {
        "function SAFE_DIVIDE"
    } else {
        "operator /"
    };
    let unlike = no_signature(what, &[&left, &right]);
    match (coerce(left, Type::Float), coerce(right, Type::Float)) {
        (Some(left), Some(right)) => {
            let sql = format!("bq_divide({}, {}, {})", left.sql, right.sql, u8::from(safe));
            Ok(Typed::new(sql, Type::Float))
        }
        _ => Err(unlike),
    }
}

/// Joins the parts with an operator that is associative.
fn balanced(parts: &[String], operator: &str) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            format!(
                "({}{operator}{})",
                balanced(left, operator),
                balanced(right, operator)
            )
        }
    }
}
