use gcp_bigquery_client::model::field_type::FieldType;

use super::fault::Fault;
use super::limits::{MAX_PAGES, MAX_ROWS};
use super::page::{Content, Page, Row, Schema};
use crate::answer::Count;

/// The largest table, in bytes: each line of it is as wide as the longest name, so that a few megabytes of names could
/// make a table of many gigabytes.
const MAX_TABLE: usize = 4 * 1024 * 1024;
/// What a line of the table takes beside the name.
const LINE: usize = 32;

/// Where the two columns stand.
#[derive(Debug, Clone, Copy)]
struct Columns {
    corpus: usize,
    total_words: usize,
}

/// The rows of a job, page by page. The library's own reader panics on a schema without fields.
#[derive(Debug, Default)]
pub(super) struct Rows {
    columns: Option<Columns>,
    total: Option<usize>,
    counts: Vec<Count>,
    pages: usize,
    extent: Extent,
}

/// How large the rows are as a table.
#[derive(Debug, Default)]
struct Extent {
    lines: usize,
    longest: usize,
}

impl Extent {
    fn add(&mut self, name: &str) {
        let breaks = |c: &char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        self.lines += 1 + name.chars().filter(breaks).count();
        self.longest = self.longest.max(name.len());
    }

    fn bytes(&self) -> usize {
        self.lines.saturating_mul(self.longest + LINE)
    }
}

impl Rows {
    /// Adds a page and returns the token of the next one.
    pub(super) fn add(&mut self, page: Page) -> Result<Option<String>, Fault> {
        let columns = match self.columns {
            Some(columns) => columns,
            None => *self.columns.insert(columns(page.schema.as_ref())?),
        };
        if let Some(total) = &page.total_rows {
            let total = total
                .parse()
                .map_err(|_| Fault::malformed("totalRows is not a number"))?;
            self.total = Some(total);
        }
        if self.total.is_none() && page.rows.is_none() {
            return Err(Fault::malformed("the answer has neither rows nor totalRows"));
        }
        let rows = page.rows.unwrap_or_default();
        if self.total.unwrap_or(0) > MAX_ROWS || self.counts.len() + rows.len() > MAX_ROWS {
            return Err(Fault::malformed(format!(
                "the answer has more than {MAX_ROWS} rows"
            )));
        }
        for row in rows {
            let count = count(row, columns)?;
            self.extent.add(count.corpus.as_deref().unwrap_or_default());
            if self.extent.bytes() > MAX_TABLE {
                return Err(Fault::malformed(format!(
                    "the answer makes a table of more than {MAX_TABLE} bytes: its names are too long"
                )));
            }
            self.counts.push(count);
        }
        self.pages += 1;
        let next = page.page_token.filter(|token| !token.is_empty());
        if next.is_some() && self.pages == MAX_PAGES {
            return Err(Fault::malformed(format!(
                "the answer has more than {MAX_PAGES} pages"
            )));
        }
        Ok(next)
    }

    /// All rows, if as many came as were announced.
    pub(super) fn finish(self) -> Result<Vec<Count>, Fault> {
        match self.total {
            Some(total) if total != self.counts.len() => Err(Fault::malformed(format!(
                "{} of {total} rows came",
                self.counts.len()
            ))),
            _ => Ok(self.counts),
        }
    }
}

fn columns(schema: Option<&Schema>) -> Result<Columns, Fault> {
    let fields = schema
        .and_then(|schema| schema.fields.as_deref())
        .ok_or_else(|| Fault::malformed("the answer has no schema, or one without fields"))?;
    let find = |name: &str, is: fn(&FieldType) -> bool| {
        fields
            .iter()
            .position(|field| field.name == name && is(&field.r#type))
            .ok_or_else(|| Fault::malformed(format!("the schema has no column {name} of the right type")))
    };
    Ok(Columns {
        corpus: find("corpus", |kind| matches!(kind, FieldType::String))?,
        total_words: find("total_words", |kind| {
            matches!(kind, FieldType::Integer | FieldType::Int64)
        })?,
    })
}

fn count(row: Row, columns: Columns) -> Result<Count, Fault> {
    let mut cells = row.cells.ok_or_else(|| Fault::malformed("a row has no cells"))?;
    let mut take = |at: usize| {
        cells
            .get_mut(at)
            .map(|cell| std::mem::take(&mut cell.value))
            .ok_or_else(|| Fault::malformed("a row has too few cells"))
    };
    let corpus = match take(columns.corpus)? {
        Content::Null => None,
        Content::Text(name) => Some(name),
        Content::Other => return Err(Fault::malformed("a corpus is not a string")),
    };
    let total_words = match take(columns.total_words)? {
        // SUM's, where each count of a corpus is NULL: nothing was counted there.
        Content::Null => Some(0),
        Content::Text(number) => number.parse().ok(),
        Content::Other => None,
    };
    let total_words = total_words.ok_or_else(|| Fault::malformed("a total is not an integer"))?;
    Ok(Count { corpus, total_words })
}
