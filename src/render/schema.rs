//! The JSON of the counts, in JSON Schema 2020-12.

use serde_json::{Value, json};

use super::json::line;

/// The schema as a separate document.
pub fn document() -> String {
    let mut schema = counts();
    if let Some(object) = schema.as_object_mut() {
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        object.insert("$schema".to_owned(), dialect.into());
    }
    line(&schema)
}

/// The schema as part of another document. A later version may add properties and will not remove any.
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
            "sample_data": {
                "type": "boolean",
                "description": "Whether the counts come from the stand-in for BigQuery, and not from BigQuery."
            },
            "total_words": {
                "type": "integer",
                "description": "How often the word occurs in all corpora together."
            },
            "counts": {
                "type": "array",
                "description": "One entry for each corpus that holds the word, the largest count first.",
                "items": row()
            },
            "other_cases": {
                "type": "array",
                "description": "The other spellings of the word in upper and lower case that the table has, the largest count first.",
                "items": {
                    "type": "object",
                    "properties": {"word": {"type": "string"}, "total_words": {"type": "integer"}},
                    "required": ["word", "total_words"]
                }
            }
        },
        "required": ["word", "table", "as_of", "sample_data", "total_words", "counts", "other_cases"]
    })
}

fn row() -> Value {
    json!({
        "type": "object",
        "properties": {
            "corpus": {
                "type": ["string", "null"],
                "description": "The name of the corpus; null if the table has NULL."
            },
            "title": {"type": "string", "description": "The title of the work; absent if the work is unknown."},
            "year": {"type": "integer", "description": "The year of the work in the table; absent if the table has none."},
            "total_words": {"type": "integer", "description": "How often the word occurs in the corpus."},
            "corpus_words": {"type": "integer", "description": "How many words the corpus has in total."},
            "per_10000_words": {
                "type": ["number", "null"],
                "description": "total_words per 10,000 corpus_words, with two decimals; null if corpus_words is 0."
            }
        },
        "required": ["corpus", "total_words", "corpus_words", "per_10000_words"]
    })
}
