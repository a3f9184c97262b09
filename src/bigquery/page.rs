//! One page of results, parsed into only what is needed of it.
//!
//! In the client library's rows, three bytes of JSON become a value of 32 bytes, and a small object one of 600: a page
//! of one mebibyte could take a hundred. Here unneeded parts are skipped, and every list has its limit.

use std::fmt;
use std::marker::PhantomData;

use gcp_bigquery_client::model::error_proto::ErrorProto;
use gcp_bigquery_client::model::field_type::FieldType;
use gcp_bigquery_client::model::job_reference::JobReference;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::fault::Fault;
use super::limits::{MAX_COLUMNS, MAX_ROWS};

/// The needed part of a response to jobs.query or jobs.getQueryResults.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) cache_hit: Option<bool>,
    /// The first of its `errors`.
    #[serde(default, rename = "errors", deserialize_with = "first")]
    pub(super) error: Option<ErrorProto>,
    pub(super) job_complete: Option<bool>,
    pub(super) job_reference: Option<JobReference>,
    pub(super) page_token: Option<String>,
    #[serde(default, deserialize_with = "rows")]
    pub(super) rows: Option<Vec<Row>>,
    /// Whether the response header marks the data as a sample. BigQuery itself has no such field.
    #[serde(skip)]
    pub(super) sample_data: bool,
    pub(super) schema: Option<Schema>,
    pub(super) total_bytes_billed: Option<String>,
    pub(super) total_bytes_processed: Option<String>,
    pub(super) total_rows: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Schema {
    #[serde(default, deserialize_with = "columns")]
    pub(super) fields: Option<Vec<Column>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) r#type: FieldType,
}

#[derive(Debug, Deserialize)]
pub(super) struct Row {
    #[serde(default, rename = "f", deserialize_with = "cells")]
    pub(super) cells: Option<Vec<Cell>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cell {
    #[serde(default, rename = "v")]
    pub(super) value: Content,
}

/// The content of a cell. BigQuery sends numbers as text.
#[derive(Debug, Default)]
pub(super) enum Content {
    #[default]
    Null,
    Text(String),
    /// A value that none of our columns can have.
    Other,
}

impl Page {
    /// Parses a response. It may take milliseconds, on the thread that refreshes.
    pub(super) fn parse(body: &[u8], sample_data: bool) -> Result<Self, Fault> {
        let page = serde_json::from_slice(body).map_err(|error| {
            Fault::malformed("BigQuery answered with a body that cannot be parsed").caused_by(error)
        })?;
        Ok(Self { sample_data, ..page })
    }
}

fn rows<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Row>>, D::Error> {
    from.deserialize_any(AtMost::new(MAX_ROWS, "rows"))
}

fn columns<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Column>>, D::Error> {
    from.deserialize_any(AtMost::new(MAX_COLUMNS, "columns"))
}

fn cells<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Cell>>, D::Error> {
    from.deserialize_any(AtMost::new(MAX_COLUMNS, "cells in a row"))
}

/// Reads a list or null, and refuses a list that is too long before the rest of it is read.
struct AtMost<T> {
    most: usize,
    what: &'static str,
    item: PhantomData<T>,
}

impl<T> AtMost<T> {
    fn new(most: usize, what: &'static str) -> Self {
        Self {
            most,
            what,
            item: PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtMost<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} {}", self.most, self.what)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == self.most {
                return Err(A::Error::custom(format_args!(
                    "more than {} {}",
                    self.most, self.what
                )));
            }
            items.push(item);
        }
        Ok(Some(items))
    }
}

fn first<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ErrorProto>, D::Error> {
    struct First;

    impl<'de> Visitor<'de> for First {
        type Value = Option<ErrorProto>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of errors")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let first = list.next_element()?;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }

    from.deserialize_any(First)
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell's content")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Content::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Content::Other)
    }
}
