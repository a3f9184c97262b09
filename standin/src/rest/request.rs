//! The parameters of `jobs.query` and `jobs.insert`, and their checked form.

use serde::Deserialize;
use serde_json::Value;

use super::ApiError;
use super::body::{boolean, number, text};
use crate::sql::{Parameter, ParameterValue, Type};

/// The part that both methods share: the configuration of a query.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryConfiguration {
    #[serde(default, deserialize_with = "text")]
    query: Option<String>,
    #[serde(default, deserialize_with = "boolean")]
    use_legacy_sql: Option<bool>,
    #[serde(default)]
    default_dataset: Option<DatasetReference>,
    #[serde(default)]
    parameter_mode: Option<String>,
    #[serde(default)]
    query_parameters: Option<Vec<QueryParameter>>,
    #[serde(default, deserialize_with = "number")]
    maximum_bytes_billed: Option<u64>,
    #[serde(default)]
    destination_table: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DatasetReference {
    #[serde(default)]
    project_id: Option<String>,
    dataset_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryParameter {
    #[serde(default)]
    name: Option<String>,
    parameter_type: ParameterType,
    #[serde(default)]
    parameter_value: Option<WireValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParameterType {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    array_type: Option<Box<ParameterType>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireValue {
    #[serde(default, deserialize_with = "text")]
    value: Option<String>,
    #[serde(default)]
    array_values: Option<Vec<WireValue>>,
}

/// A checked query, before its tables are looked at.
#[derive(Debug, Clone)]
pub(super) struct QuerySpec {
    pub(super) sql: String,
    pub(super) dataset: Option<(String, String)>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) maximum_bytes_billed: Option<u64>,
    pub(super) location: Option<String>,
}

impl QueryConfiguration {
    /// Checks everything that does not need the tables.
    pub(super) fn check(self, project: &str, location: Option<String>) -> Result<QuerySpec, ApiError> {
        let sql = self.query.filter(|sql| !sql.trim().is_empty());
        let sql = sql.ok_or_else(|| ApiError::invalid("Required parameter is missing: query"))?;
        // As at Google, legacy SQL is the default.
        let standard = sql
            .trim_start()
            .get(..12)
            .is_some_and(|head| head.eq_ignore_ascii_case("#standardsql"));
        if self.use_legacy_sql.unwrap_or(true) && !standard {
            return Err(ApiError::invalid_query(
                "The stand-in does not support legacy SQL, which is the default: set useLegacySql to false",
            ));
        }
        if self.destination_table.is_some() {
            return Err(ApiError::invalid(
                "The stand-in is read-only: leave destinationTable out",
            ));
        }
        let parameters = self.query_parameters.unwrap_or_default();
        let parameters = parameters
            .into_iter()
            .map(QueryParameter::check)
            .collect::<Result<Vec<_>, _>>()?;
        check_mode(self.parameter_mode.as_deref(), &parameters)?;
        let dataset = self.default_dataset.map(|dataset| {
            (
                dataset.project_id.unwrap_or_else(|| project.to_owned()),
                dataset.dataset_id,
            )
        });
        let location = location.filter(|location| !location.is_empty());
        Ok(QuerySpec {
            sql,
            dataset,
            parameters,
            maximum_bytes_billed: self.maximum_bytes_billed.filter(|bytes| *bytes > 0),
            location,
        })
    }
}

impl QueryParameter {
    fn check(self) -> Result<Parameter, ApiError> {
        let name = self.name.filter(|name| !name.is_empty());
        let value = self.parameter_value.unwrap_or_default();
        let array = self.parameter_type.kind.eq_ignore_ascii_case("ARRAY");
        let kind = match (array, &self.parameter_type.array_type) {
            (false, _) => kind(&self.parameter_type.kind)?,
            (true, Some(of)) => kind(&of.kind)?,
            (true, None) => return Err(ApiError::invalid("An ARRAY parameter needs an arrayType")),
        };
        let value = match array {
            true => ParameterValue::Array(
                value
                    .array_values
                    .unwrap_or_default()
                    .into_iter()
                    .map(|element| element.value)
                    .collect(),
            ),
            false => ParameterValue::Scalar(value.value),
        };
        let shown = name.as_deref().unwrap_or("?");
        let scalars: Vec<&str> = match &value {
            ParameterValue::Scalar(value) => value.iter().map(String::as_str).collect(),
            ParameterValue::Array(values) => values.iter().flatten().map(String::as_str).collect(),
        };
        for text in scalars {
            let good = match kind {
                Type::Integer => text.parse::<i64>().is_ok(),
                Type::Float => text.parse::<f64>().is_ok(),
                Type::Boolean => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
                _ => true,
            };
            if !good {
                return Err(ApiError::invalid_query(format!(
                    "Invalid value for parameter {shown}: expected {kind:?}, not '{text}'"
                )));
            }
        }
        Ok(Parameter { name, kind, value })
    }
}

/// The name of a type, in SQL or in the API, in any case.
fn kind(name: &str) -> Result<Type, ApiError> {
    Ok(match name.to_ascii_uppercase().as_str() {
        "STRING" => Type::String,
        "INT64" | "INTEGER" => Type::Integer,
        "FLOAT64" | "FLOAT" => Type::Float,
        "BOOL" | "BOOLEAN" => Type::Boolean,
        "BYTES" => Type::Bytes,
        "TIMESTAMP" => Type::Timestamp,
        "DATE" => Type::Date,
        other => {
            return Err(ApiError::invalid(format!(
                "The stand-in does not support parameters of type {other}: expected STRING, INT64, FLOAT64, BOOL, BYTES, TIMESTAMP, DATE or an ARRAY of one"
            )));
        }
    })
}

fn check_mode(mode: Option<&str>, parameters: &[Parameter]) -> Result<(), ApiError> {
    let named = parameters
        .iter()
        .filter(|parameter| parameter.name.is_some())
        .count();
    if named != 0 && named != parameters.len() {
        return Err(ApiError::invalid(
            "Named and positional parameters cannot be mixed",
        ));
    }
    match mode.map(str::to_ascii_uppercase).as_deref() {
        None | Some("") => Ok(()),
        Some("NAMED") if named == parameters.len() => Ok(()),
        Some("NAMED") => Err(ApiError::invalid(
            "parameterMode is NAMED, but a parameter has no name",
        )),
        Some("POSITIONAL") if named == 0 => Ok(()),
        Some("POSITIONAL") => Err(ApiError::invalid(
            "parameterMode is POSITIONAL, but a parameter has a name",
        )),
        Some(other) => Err(ApiError::invalid(format!(
            "parameterMode {other} is not NAMED or POSITIONAL"
        ))),
    }
}
