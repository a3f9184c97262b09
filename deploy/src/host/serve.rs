//! One request: reads its line, and writes the answer's.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::Deserialize;

use super::requests::Host;
use crate::protocol::{Envelope, MOST, Request, Response, VERSION};

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// For how long nothing may come, and nothing be taken: connections are few.
pub const IDLE: Duration = Duration::from_secs(120);

/// Has reading and writing end with an error where the other side of a socket is idle. Where it is no socket, there is no
/// other side.
pub fn limit_idle(end: impl AsFd, limit: Duration) {
    if let Ok(end) = end.as_fd().try_clone_to_owned() {
        let socket = UnixStream::from(end);
        let _ = socket.set_read_timeout(Some(limit));
        let _ = socket.set_write_timeout(Some(limit));
    }
}

/// Why something does not come.
pub(super) fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock => "nothing came for too long".to_owned(),
        _ => error.to_string(),
    }
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
        .map_err(|error| format!("the request cannot be read: {}", cause(&error)))?;
    if line.last() != Some(&b'\n') {
        return Err(if line.len() as u64 == MOST {
            format!("the request is too long: expected at most {MOST} bytes")
        } else {
            "the request has no end: expected one line".to_owned()
        });
    }
    let malformed = |error| {
        format!(
            r#"malformed request: {error}: expected one line such as {{"version":{VERSION},"request":"status"}}"#
        )
    };
    let Versioned { version } = serde_json::from_slice(&line).map_err(malformed)?;
    if version != VERSION {
        return Err(format!(
            "this host speaks version {VERSION} of the protocol, and was asked in version {version}: deploy with the release that runs here, or bring the host up to date by hand"
        ));
    }
    let envelope: Envelope = serde_json::from_slice(&line).map_err(malformed)?;
    Ok(envelope.request)
}
