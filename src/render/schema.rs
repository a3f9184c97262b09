//! What the counts as JSON look like, in JSON Schema 2020-12.

use serde_json::{Value, json};

use super::json::line;

/// The schema as a document of its own.
pub fn document() -> String {
    let mut schema = counts();
    if let Some(object) = schema.as_object_mut() {
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        object.insert("$schema".to_owned(), dialect.into());
    }
    line(&schema)
}

/// The schema as a part of another document. A later version may add properties, and takes none away.
pub(super) fn counts() -> Value {
    json!({
        "title": "Counts of a word",
        "type": "object",
        "properties": {
            "word": {"type": "string", "description": "The word that was counted, matched exactly."},
            "table": {"type": "string", "description": "The table that was asked, as project.dataset.table."},
            "as_of": {
                "type": "string",
                "format": "date-time",
                "description": "When the query was sent: the data is at least this fresh."
            },
            "total_words": {
                "type": "integer",
                "description": "How often the word stands in all corpora together."
            },
            "counts": {
                "type": "array",
                "description": "One entry for each corpus that holds the word, the largest count first.",
                "items": row()
            }
        },
        "required": ["word", "table", "as_of", "total_words", "counts"]
    })
}

fn row() -> Value {
    json!({
        "type": "object",
        "properties": {
            "corpus": {
                "type": ["string", "null"],
                "description": "The corpus's name; null where the table holds NULL."
            },
            "total_words": {"type": "integer", "description": "How often the word stands in the corpus."}
        },
        "required": ["corpus", "total_words"]
    })
}
