//! One request: reads its line, and writes the answer's.

use std::io::{self, BufRead, Read, Write};

use serde::Deserialize;

use super::requests::Host;
use crate::protocol::{Envelope, MOST, Request, Response, VERSION};

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Answers one request.
///
/// # Errors
///
/// That the answer cannot be written.
pub fn serve(host: &Host<'_>, input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<()> {
    let response = match read(input).and_then(|request| host.answer(request, input)) {
        Ok(answer) => Response::Done(answer),
        Err(sentence) => {
            eprintln!("refused: {sentence}");
            Response::Refused(sentence)
        }
    };
    let mut line = serde_json::to_vec(&response)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

fn read(input: &mut dyn BufRead) -> Result<Request, String> {
    let mut line = Vec::new();
    input
        .take(MOST)
        .read_until(b'\n', &mut line)
        .map_err(|error| format!("the request cannot be read: {error}"))?;
    if line.last() != Some(&b'\n') {
        return Err(if line.len() as u64 == MOST {
            format!("the request is too long: expected at most {MOST} bytes")
        } else {
            "the request has no end: expected one line".to_owned()
        });
    }
    let malformed = |error| format!("malformed request: {error}");
    let Versioned { version } = serde_json::from_slice(&line).map_err(malformed)?;
    if version != VERSION {
        return Err(format!(
            "this host speaks version {VERSION} of the protocol, and was asked in version {version}: deploy with the release that runs here, or bring the host up to date by hand"
        ));
    }
    let envelope: Envelope = serde_json::from_slice(&line).map_err(malformed)?;
    Ok(envelope.request)
}
