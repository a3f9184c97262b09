//! Binds the parameters of a query: by number in SQLite, an array as JSON.

use super::error::{QueryError, Result};
use super::value::{self, Value};
use super::{Parameter, ParameterValue, Type};

/// A parameter as it is bound.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// The name without `@`; none for a positional one.
    pub(super) name: Option<String>,
    /// The type, or that of the elements of an array.
    pub(super) kind: Type,
    /// Whether it is an array, whose value is a JSON text.
    pub(super) array: bool,
    /// The value.
    pub(super) value: Value,
}

/// Reads the parameters' values by their types.
///
/// # Errors
///
/// A value that is not of its type; a mix of named and positional parameters; a repeated name.
pub(super) fn bind(parameters: &[Parameter]) -> Result<Vec<Bound>> {
    let mut bound: Vec<Bound> = Vec::with_capacity(parameters.len());
    for (place, parameter) in parameters.iter().enumerate() {
        let label = parameter
            .name
            .clone()
            .unwrap_or_else(|| format!("number {}", place + 1));
        if bound
            .first()
            .is_some_and(|first| first.name.is_some() != parameter.name.is_some())
        {
            return Err(QueryError::new(
                "Query parameters must be all named or all positional",
            ));
        }
        let same = |other: &Bound| match (&other.name, &parameter.name) {
            (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
            _ => false,
        };
        if bound.iter().any(same) {
            return Err(QueryError::new(format!("Duplicate query parameter: {label}")));
        }
        let read = |text: &str| {
            value::read(parameter.kind, text)
                .map_err(|reason| QueryError::new(format!("Query parameter {label}: {reason}")))
        };
        let (array, value) = match &parameter.value {
            ParameterValue::Scalar(None) => (false, Value::Null),
            ParameterValue::Scalar(Some(text)) => (false, read(text)?),
            ParameterValue::Array(items) => {
                let mut json = Vec::with_capacity(items.len());
                for item in items {
                    json.push(match item {
                        None => serde_json::Value::Null,
                        Some(text) => as_json(read(text)?, &label)?,
                    });
                }
                (true, Value::Text(serde_json::Value::Array(json).to_string()))
            }
        };
        bound.push(Bound {
            name: parameter.name.clone(),
            kind: parameter.kind,
            array,
            value,
        });
    }
    Ok(bound)
}

fn as_json(value: Value, label: &str) -> Result<serde_json::Value> {
    match value {
        Value::Null => Ok(serde_json::Value::Null),
        Value::Integer(value) => Ok(value.into()),
        Value::Text(text) if text.contains('\0') => Err(QueryError::unsupported(format!(
            "Query parameter {label}: NUL in an array's string"
        ))),
        Value::Text(text) => Ok(text.into()),
        Value::Real(value) => match serde_json::Number::from_f64(value) {
            Some(number) => Ok(number.into()),
            None => Err(QueryError::unsupported(format!(
                "Query parameter {label}: an infinite number in an array"
            ))),
        },
    }
}
