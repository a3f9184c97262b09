//! Pages of rows in the API's form.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::ApiError;
use crate::sql::{Column, Row, Type};

/// The size at which BigQuery ends a page, roughly, in bytes of its JSON.
const MAX_PAGE_BYTES: usize = 10 * 1024 * 1024;

/// A schema in the API's form.
pub(super) fn schema(columns: &[Column]) -> Value {
    let fields: Vec<Value> = columns
        .iter()
        .map(|column| json!({"name": column.name, "type": type_name(column.kind), "mode": "NULLABLE"}))
        .collect();
    json!({"fields": fields})
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::String => "STRING",
        Type::Integer => "INTEGER",
        Type::Float => "FLOAT",
        Type::Boolean => "BOOLEAN",
        Type::Bytes => "BYTES",
        Type::Timestamp => "TIMESTAMP",
        Type::Date => "DATE",
    }
}

/// Rows in the API's form, as many as fit on a page.
pub(super) fn rows(rows: &[Row], columns: &[Column], int64_timestamps: bool) -> Vec<Value> {
    let mut bytes = 0;
    let mut page = Vec::new();
    for row in rows {
        bytes += row
            .iter()
            .map(|cell| cell.as_ref().map_or(4, String::len) + 9)
            .sum::<usize>()
            + 8;
        if bytes > MAX_PAGE_BYTES && !page.is_empty() {
            break;
        }
        let cells: Vec<Value> = row
            .iter()
            .zip(columns)
            .map(|(cell, column)| match (cell, column.kind) {
                (Some(text), Type::Timestamp) if !int64_timestamps => json!({"v": seconds(text)}),
                (cell, _) => json!({"v": cell}),
            })
            .collect();
        page.push(json!({"f": cells}));
    }
    page
}

/// Microseconds as BigQuery's seconds: `1.408452095E9`.
fn seconds(micros: &str) -> String {
    let Ok(micros) = micros.parse::<i64>() else {
        return micros.to_owned();
    };
    #[allow(clippy::cast_precision_loss)]
    let seconds = micros as f64 / 1e6;
    if seconds != 0.0 && !(1e-3..1e7).contains(&seconds.abs()) {
        let text = format!("{seconds:E}");
        return match text.split_once('E') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
            _ => text,
        };
    }
    format!("{seconds:?}")
}

/// A token for the page that begins at this row; `of` identifies the data.
pub(super) fn token(of: &str, start: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{start}:{of}"))
}

/// The first row of a page: that of the token if there is one, else that of the index.
pub(super) fn start(of: &str, page_token: Option<&str>, index: Option<u64>) -> Result<usize, ApiError> {
    let Some(token) = page_token.filter(|token| !token.is_empty()) else {
        return Ok(usize::try_from(index.unwrap_or(0)).unwrap_or(usize::MAX));
    };
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let (start, whose) = text.split_once(':')?;
            (whose == of).then(|| start.parse().ok())?
        })
        .ok_or_else(|| ApiError::invalid("Invalid page token: expected the one from the previous page"))
}

#[cfg(test)]
mod tests {
    use super::{rows, seconds};
    use crate::sql::{Column, Type};

    #[test]
    fn seconds_are_written_as_bigquery_writes_them() {
        assert_eq!(seconds("1408452095000000"), "1.408452095E9");
        assert_eq!(seconds("1408452095220000"), "1.40845209522E9");
        assert_eq!(seconds("1000000000000000"), "1.0E9");
        assert_eq!(seconds("0"), "0.0");
        assert_eq!(seconds("1500000"), "1.5");
        assert_eq!(seconds("-86400000000000"), "-8.64E7");
    }

    #[test]
    fn a_page_ends_at_ten_megabytes_but_has_a_row() {
        let columns = [Column {
            name: "c".into(),
            kind: Type::String,
        }];
        let row = vec![Some("x".repeat(4 * 1024 * 1024))];
        assert_eq!(rows(&vec![row; 5], &columns, false).len(), 2);
        let large = vec![Some("x".repeat(20 * 1024 * 1024))];
        assert_eq!(rows(&vec![large; 2], &columns, false).len(), 1);
    }
}
