//! Entry points for the fuzz targets into code that is otherwise private.

use reqwest::StatusCode;

use super::fault;
use super::page::Page;
use super::rows::Rows;
use crate::answer::{Count, OtherCase};
use crate::cause::chain;

/// The counts and other cases of an answer whose pages have these bodies, and how many of the bodies were read; or why
/// they are not an answer, as the log would say it.
pub fn counts(bodies: &[&[u8]]) -> Result<(Vec<Count>, Vec<OtherCase>, usize), String> {
    let mut rows = Rows::default();
    let mut read = 0;
    let mut add = || {
        for body in bodies {
            read += 1;
            if rows.add(Page::parse(body, false)?)?.is_none() {
                break;
            }
        }
        Ok(())
    };
    let added = add();
    let found = added.and_then(|()| rows.finish());
    found
        .map(|found| (found.counts, found.other_cases, read))
        .map_err(|fault: fault::Fault| chain(&fault.error))
}

/// The log's text about an error response.
pub fn refused(status: u16, body: &[u8]) -> Option<String> {
    let status = StatusCode::from_u16(status).ok()?;
    Some(chain(&fault::refused(status, body, None).error))
}
