use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// A table's full name, `project.dataset.table`, safe between backquotes in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(String);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Table {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts: Vec<&str> = text.rsplitn(3, '.').collect();
        let valid = match parts.as_slice() {
            [table, dataset, project] => is_table(table) && is_dataset(dataset) && is_project(project),
            _ => false,
        };
        if !valid {
            return Err(Invalid::new(format!(
                "invalid table '{text}': expected project.dataset.table without quotes, e.g. bigquery-public-data.samples.shakespeare"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The ID of a Google Cloud project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project(String);

impl Project {
    /// The ID as it is sent to the API.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Project {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if !is_project(text) {
            return Err(Invalid::new(format!(
                "invalid project '{text}': expected a Google Cloud project ID, e.g. my-project-123"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where jobs run, such as `EU` or `europe-west3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// The name as it is sent to the API.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Location {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let valid =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !valid {
            return Err(Invalid::new(format!(
                "invalid location '{text}': expected e.g. US, EU or europe-west3"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Whether this is a project ID, with the domain that some old ones have (`example.com:project`).
fn is_project(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_dataset(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_table(text: &str) -> bool {
    (1..=1024).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
