//! Compiles function calls. Functions that are not listed here are refused.

use sqlparser::ast::{
    CeilFloorKind, DateTimeField, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, ObjectNamePart, TrimWhereField,
};

use super::Type::{self, Boolean, Float, Integer, String as Text};
use super::aggregate::is_aggregate;
use super::compiler::{Compiler, coerce, common, no_signature, refuse};
use super::error::{QueryError, Result};
use super::operator::{divide, unify};
use super::scope::{Scope, Typed};

/// A plain function: its name in BigQuery and in SQLite, the types of its arguments (those after `required` are
/// optional), and that of its result.
struct Plain {
    name: &'static str,
    sql: &'static str,
    arguments: &'static [Type],
    required: usize,
    result: Type,
}

const fn plain(
    name: &'static str,
    sql: &'static str,
    arguments: &'static [Type],
    required: usize,
    result: Type,
) -> Plain {
    Plain {
        name,
        sql,
        arguments,
        required,
        result,
    }
}

/// Functions of fixed types. The names in SQLite that begin with `bq_` are ours.
const PLAIN: &[Plain] = &[
    plain("UPPER", "bq_upper", &[Text], 1, Text),
    plain("LOWER", "bq_lower", &[Text], 1, Text),
    plain("LENGTH", "bq_length", &[Text], 1, Integer),
    plain("CHAR_LENGTH", "bq_length", &[Text], 1, Integer),
    plain("CHARACTER_LENGTH", "bq_length", &[Text], 1, Integer),
    plain("BYTE_LENGTH", "bq_byte_length", &[Text], 1, Integer),
    plain("OCTET_LENGTH", "bq_byte_length", &[Text], 1, Integer),
    plain("REVERSE", "bq_reverse", &[Text], 1, Text),
    plain("STARTS_WITH", "bq_starts_with", &[Text, Text], 2, Boolean),
    plain("ENDS_WITH", "bq_ends_with", &[Text, Text], 2, Boolean),
    plain("STRPOS", "bq_strpos", &[Text, Text], 2, Integer),
    plain("REPLACE", "bq_replace", &[Text, Text, Text], 3, Text),
    plain("SUBSTR", "bq_substr", &[Text, Integer, Integer], 2, Text),
    plain("SUBSTRING", "bq_substr", &[Text, Integer, Integer], 2, Text),
    plain("TRIM", "bq_trim", &[Text, Text], 1, Text),
    plain("LTRIM", "bq_ltrim", &[Text, Text], 1, Text),
    plain("RTRIM", "bq_rtrim", &[Text, Text], 1, Text),
    plain("DIV", "bq_div", &[Integer, Integer], 2, Integer),
    plain("MOD", "bq_mod", &[Integer, Integer], 2, Integer),
    plain("ROUND", "bq_round", &[Float, Integer], 1, Float),
    plain("FLOOR", "bq_floor", &[Float], 1, Float),
    plain("CEIL", "bq_ceil", &[Float], 1, Float),
    plain("CEILING", "bq_ceil", &[Float], 1, Float),
    plain("TRUNC", "bq_trunc", &[Float], 1, Float),
    plain("SQRT", "bq_sqrt", &[Float], 1, Float),
    plain(
        "TIMESTAMP_MICROS",
        "bq_timestamp_micros",
        &[Integer],
        1,
        Type::Timestamp,
    ),
    plain("UNIX_MICROS", "bq_unix_micros", &[Type::Timestamp], 1, Integer),
];

impl Compiler<'_> {
    /// Compiles a call.
    pub(super) fn function(&mut self, function: &Function, scope: Scope<'_>) -> Result<Typed> {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment,
            over,
        } = function;
        let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else {
            return Err(QueryError::new(format!("Function not found: {name}")));
        };
        let name = ident.value.to_uppercase();
        refuse(
            *uses_odbc_syntax || !matches!(parameters, FunctionArguments::None),
            "This form of call",
        )?;
        refuse(
            !within_group.is_empty() || filter.is_some(),
            "WITHIN GROUP or FILTER",
        )?;
        refuse(null_treatment.is_some(), "IGNORE NULLS or RESPECT NULLS")?;
        let FunctionArguments::List(list) = args else {
            return Err(QueryError::unsupported(format!("Function {name} in this form")));
        };
        refuse(
            !list.clauses.is_empty(),
            &format!("A clause within the arguments of {name}"),
        )?;
        let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
        let mut arguments = Vec::new();
        for argument in &list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.push(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard)
                    if name == "COUNT" && list.args.len() == 1 && !distinct =>
                {
                    return match over {
                        Some(over) => self.window(&name, None, over, scope),
                        None => self.aggregate(&name, false, None, scope),
                    };
                }
                _ => {
                    return Err(QueryError::unsupported(format!(
                        "An argument of this form to {name}"
                    )));
                }
            }
        }
        if is_aggregate(&name) {
            let [argument] = arguments.as_slice() else {
                return Err(wrong_count(&name, arguments.len()));
            };
            let Some(over) = over else {
                return self.aggregate(&name, distinct, Some(argument), scope);
            };
            refuse(distinct, "DISTINCT in a window function")?;
            return self.window(&name, Some(argument), over, scope);
        }
        refuse(over.is_some(), &format!("The window function {name}"))?;
        refuse(
            list.duplicate_treatment.is_some(),
            &format!("{name} with DISTINCT or ALL"),
        )?;
        self.scalar(&name, &arguments, scope)
    }

    /// Calls that the parser represents in a special form.
    pub(super) fn special_call(&mut self, expr: &Expr, scope: Scope<'_>) -> Result<Typed> {
        match expr {
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for,
                special: true,
                shorthand,
            } => {
                let name = if *shorthand { "SUBSTR" } else { "SUBSTRING" };
                let mut arguments = vec![expr.as_ref(), from];
                arguments.extend(substring_for.as_deref());
                self.scalar(name, &arguments, scope)
            }
            Expr::Trim {
                trim_where: None::<TrimWhereField>,
                trim_what: None,
                expr,
                trim_characters,
            } => {
                let mut arguments = vec![expr.as_ref()];
                arguments.extend(trim_characters.iter().flatten());
                self.scalar("TRIM", &arguments, scope)
            }
            Expr::Ceil {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.scalar("CEIL", &[expr], scope),
            Expr::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.scalar("FLOOR", &[expr], scope),
            other => Err(QueryError::unsupported(format!("Expression {other}"))),
        }
    }

    fn scalar(&mut self, name: &str, arguments: &[&Expr], scope: Scope<'_>) -> Result<Typed> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.expression(argument, scope)?);
        }
        let all: Vec<_> = values.iter().collect();
        let unlike = no_signature(&format!("function {name}"), &all);
        if let Some(plain) = PLAIN.iter().find(|plain| plain.name == name) {
            if values.len() < plain.required || values.len() > plain.arguments.len() {
                return Err(wrong_count(name, values.len()));
            }
            let mut sql = Vec::with_capacity(values.len());
            for (value, kind) in values.into_iter().zip(plain.arguments) {
                match coerce(value, *kind) {
                    Some(value) => sql.push(value.sql),
                    None => return Err(unlike),
                }
            }
            return Ok(Typed::new(
                format!("{}({})", plain.sql, sql.join(", ")),
                plain.result,
            ));
        }
        match (name, values.len()) {
            ("CONCAT", 1..) => {
                let texts: Option<Vec<_>> = values.into_iter().map(|value| coerce(value, Text)).collect();
                let texts: Vec<_> = texts.ok_or(unlike)?.into_iter().map(|value| value.sql).collect();
                Ok(Typed::new(format!("({})", texts.join(" || ")), Text))
            }
            ("COALESCE", 1..) | ("IFNULL", 2) => {
                let values = unify(values).ok_or(unlike)?;
                // SQLite's COALESCE needs at least two.
                let sql = format!("COALESCE({}, NULL)", join(&values));
                Ok(Typed {
                    sql,
                    kind: first_kind(&values),
                    constant: false,
                })
            }
            ("NULLIF", 2) => {
                let values = unify(values).ok_or(unlike)?;
                Ok(Typed {
                    sql: format!("NULLIF({})", join(&values)),
                    kind: first_kind(&values),
                    constant: false,
                })
            }
            ("GREATEST" | "LEAST", 1..) => {
                let kind = common(&values).map_err(|()| unlike.clone())?;
                refuse(kind == Some(Type::Bytes), "The order of BYTES")?;
                let values = unify(values).ok_or(unlike)?;
                let sql = match (values.as_slice(), name) {
                    // A constant stays one: SQLite's ORDER BY would read it as a column number.
                    ([only], _) => return Ok(only.clone()),
                    (many, "GREATEST") => format!("max({})", join(many)),
                    (many, _) => format!("min({})", join(many)),
                };
                Ok(Typed {
                    sql,
                    kind,
                    constant: false,
                })
            }
            ("IF", 3) => {
                let mut branches = values.into_iter();
                let condition = branches.next().and_then(|value| coerce(value, Boolean));
                let (Some(condition), Some(branches)) = (condition, unify(branches.collect())) else {
                    return Err(unlike);
                };
                let [yes, no] = branches.as_slice() else {
                    return Err(unlike);
                };
                let sql = format!(
                    "(CASE WHEN {} THEN {} ELSE {} END)",
                    condition.sql, yes.sql, no.sql
                );
                Ok(Typed {
                    sql,
                    kind: first_kind(&branches),
                    constant: false,
                })
            }
            ("SAFE_DIVIDE", 2) => {
                let mut values = values.into_iter();
                match (values.next(), values.next()) {
                    (Some(left), Some(right)) => divide(left, right, true),
                    _ => Err(unlike),
                }
            }
            ("ABS" | "SIGN", 1) => {
                let Some(value) = values.into_iter().next() else {
                    return Err(unlike);
                };
                let sql = |suffix| format!("bq_{}_{suffix}({})", name.to_lowercase(), value.sql);
                match value.kind {
                    None | Some(Integer) => Ok(Typed::new(sql("integer"), Integer)),
                    Some(Float) => Ok(Typed::new(sql("float"), Float)),
                    Some(_) => Err(unlike),
                }
            }
            (
                "CONCAT" | "COALESCE" | "IFNULL" | "NULLIF" | "GREATEST" | "LEAST" | "IF" | "SAFE_DIVIDE"
                | "ABS" | "SIGN",
                count,
            ) => Err(wrong_count(name, count)),
            _ => Err(QueryError::unsupported(format!("Function {name}"))),
        }
    }
}

fn join(values: &[Typed]) -> String {
    let texts: Vec<_> = values.iter().map(|value| value.sql.as_str()).collect();
    texts.join(", ")
}

fn first_kind(values: &[Typed]) -> Option<Type> {
    values.first().and_then(|value| value.kind)
}

fn wrong_count(name: &str, count: usize) -> QueryError {
    QueryError::new(format!(
        "Number of arguments does not match for function {name}: it was given {count}"
    ))
}
