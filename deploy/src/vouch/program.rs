//! Runs a program for its output.

use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;

use super::Fault;
use crate::program::{self, NotEnded};

/// An image of 100 MB over a slow line takes minutes.
const LIMIT: Duration = Duration::from_mins(10);

/// A program's output, given its input; its last line of complaint is the fault if it fails.
pub(super) fn run(name: &'static str, command: &mut Command, input: &[u8]) -> Result<Vec<u8>, Fault> {
    let said = match program::output(command, input, LIMIT, || true) {
        Ok(ended) if ended.status.success() => return Ok(ended.output),
        Ok(ended) => match program::last_line(&ended.errors) {
            Some(line) => line.to_owned(),
            None => format!("it ended by {}", ended.status),
        },
        Err(NotEnded::NotRun(error)) if error.kind() == ErrorKind::NotFound => {
            "it is not installed, or not on $PATH".to_owned()
        }
        Err(NotEnded::NotRun(error)) => error.to_string(),
        Err(NotEnded::Killed) => {
            return Err(Fault::Slow {
                program: name,
                limit: LIMIT,
            });
        }
    };
    Err(Fault::Program { program: name, said })
}

/// The same as text without the white space at its ends.
pub(super) fn said(name: &'static str, command: &mut Command) -> Result<String, Fault> {
    let output = run(name, command, b"")?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}
