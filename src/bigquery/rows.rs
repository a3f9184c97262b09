use gcp_bigquery_client::model::field_type::FieldType;

use super::fault::Fault;
use super::limits::{MAX_PAGES, MAX_ROWS};
use super::page::{Content, Page, Row, Schema};
use crate::answer::{Count, OtherCase};

/// The largest table, in bytes. Each line of the table is as wide as the longest name, so that a few megabytes of names
/// could make a table of many gigabytes.
const MAX_TABLE: usize = 4 * 1024 * 1024;
/// The size of a line of the table without the name, in bytes.
const LINE: usize = 32;

/// The positions of the columns.
#[derive(Debug, Clone, Copy)]
struct Columns {
    corpus: usize,
    total_words: usize,
    corpus_words: usize,
    other_case: usize,
}

/// All rows of an answer, by kind.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) counts: Vec<Count>,
    pub(super) other_cases: Vec<OtherCase>,
    /// Whether a page was marked as sample data.
    pub(super) sample_data: bool,
}

/// The rows of a job, page by page. The library's own reader panics on a schema without fields.
#[derive(Debug, Default)]
pub(super) struct Rows {
    columns: Option<Columns>,
    total: Option<usize>,
    found: Found,
    pages: usize,
    extent: Extent,
}

/// The size of the rows as a table.
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
        self.found.sample_data |= page.sample_data;
        let rows = page.rows.unwrap_or_default();
        if self.total.unwrap_or(0) > MAX_ROWS || self.len() + rows.len() > MAX_ROWS {
            return Err(Fault::malformed(format!(
                "the answer has more than {MAX_ROWS} rows"
            )));
        }
        for row in rows {
            self.extent.add(self.found.add(row, columns)?);
            if self.extent.bytes() > MAX_TABLE {
                return Err(Fault::malformed(format!(
                    "the answer's table would be larger than {MAX_TABLE} bytes: its names are too long"
                )));
            }
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

    /// All rows, if as many were received as were announced.
    pub(super) fn finish(self) -> Result<Found, Fault> {
        match self.total {
            Some(total) if total != self.len() => Err(Fault::malformed(format!(
                "received {} of {total} rows",
                self.len()
            ))),
            _ => Ok(self.found),
        }
    }

    fn len(&self) -> usize {
        self.found.counts.len() + self.found.other_cases.len()
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
        corpus: find("corpus", is_text)?,
        total_words: find("total_words", is_integer)?,
        corpus_words: find("corpus_words", is_integer)?,
        other_case: find("other_case", is_text)?,
    })
}

fn is_text(kind: &FieldType) -> bool {
    matches!(kind, FieldType::String)
}

fn is_integer(kind: &FieldType) -> bool {
    matches!(kind, FieldType::Integer | FieldType::Int64)
}

impl Found {
    /// Adds a row and returns its name.
    fn add(&mut self, row: Row, columns: Columns) -> Result<&str, Fault> {
        let mut cells = row.cells.ok_or_else(|| Fault::malformed("a row has no cells"))?;
        let mut take = |at: usize| {
            cells
                .get_mut(at)
                .map(|cell| std::mem::take(&mut cell.value))
                .ok_or_else(|| Fault::malformed("a row has too few cells"))
        };
        let corpus = text(take(columns.corpus)?)?;
        let total_words = sum(take(columns.total_words)?)?;
        let corpus_words = sum(take(columns.corpus_words)?)?;
        if let Some(word) = text(take(columns.other_case)?)? {
            let added = self.other_cases.push_mut(OtherCase { word, total_words });
            return Ok(&added.word);
        }
        let added = self.counts.push_mut(Count {
            corpus,
            total_words,
            corpus_words,
        });
        Ok(added.corpus.as_deref().unwrap_or_default())
    }
}

fn text(cell: Content) -> Result<Option<String>, Fault> {
    match cell {
        Content::Null => Ok(None),
        Content::Text(name) => Ok(Some(name)),
        Content::Other => Err(Fault::malformed("a name is not a string")),
    }
}

fn sum(cell: Content) -> Result<i64, Fault> {
    let number = match cell {
        // SUM is NULL if each count is NULL: nothing was counted there.
        Content::Null => Some(0),
        Content::Text(number) => number.parse().ok(),
        Content::Other => None,
    };
    number.ok_or_else(|| Fault::malformed("a total is not an integer"))
}
