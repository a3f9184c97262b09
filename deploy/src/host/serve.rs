//! One request: reads its line, and writes the line of the answer.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::requests::Host;
use crate::protocol::{Envelope, MOST, Request, Response, SignedRelease, VERSION};

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// An offer, the only request that may be long. It is parsed without copying unknown values.
#[derive(Deserialize)]
struct Offer {
    request: String,
    bundle: String,
    release: String,
    closure: String,
}

/// The longest line of any other request, in bytes.
const SHORT: usize = 64 * 1024;
/// The limit for a request's line to arrive, however slowly its bytes do.
pub const LINE: Duration = Duration::from_secs(60);

/// How long a connection may be idle in either direction: connections are few.
pub const IDLE: Duration = Duration::from_secs(120);

/// Makes reading and writing fail if the other side of a socket is idle. Anything but a socket has no other side.
pub fn limit_idle(end: impl AsFd, limit: Duration) {
    if let Ok(end) = end.as_fd().try_clone_to_owned() {
        let socket = UnixStream::from(end);
        let _ = socket.set_read_timeout(Some(limit));
        let _ = socket.set_write_timeout(Some(limit));
    }
}

/// Why nothing arrived.
pub(super) fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock => "nothing arrived for too long".to_owned(),
        _ => error.to_string(),
    }
}

/// Answers one request.
///
/// # Errors
///
/// The answer cannot be written.
pub fn serve(host: &Host<'_>, input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<()> {
    let response = match read(input, LINE).and_then(|request| host.answer(request, input)) {
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

fn read(input: &mut dyn BufRead, limit: Duration) -> Result<Request, String> {
    let mut line = Vec::new();
    let begun = Instant::now();
    let mut input = input.take(MOST);
    while line.last() != Some(&b'\n') {
        let some = input
            .fill_buf()
            .map_err(|error| format!("the request cannot be read: {}", cause(&error)))?;
        if some.is_empty() {
            break;
        }
        let end = some.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(some.len(), |end| end + 1);
        line.extend_from_slice(some.get(..length).unwrap_or(some));
        input.consume(length);
        if begun.elapsed() > limit {
            return Err(format!("the request did not arrive within {} s", limit.as_secs()));
        }
    }
    if line.last() != Some(&b'\n') {
        return Err(if line.len() as u64 == MOST {
            format!("the request is too long: expected at most {MOST} bytes")
        } else {
            "the request has no line end: expected one line".to_owned()
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
            "this host speaks version {VERSION} of the protocol, and was asked in version {version}: deploy with the release that runs here, or update the host manually"
        ));
    }
    if line.len() > SHORT {
        let offer: Offer = serde_json::from_slice(&line).map_err(malformed)?;
        if offer.request != "offer" {
            return Err(format!(
                "the request is too long: expected at most {SHORT} bytes, except for an offer"
            ));
        }
        return Ok(Request::Offer(SignedRelease {
            bundle: offer.bundle,
            release: offer.release,
            closure: offer.closure,
        }));
    }
    let envelope: Envelope = serde_json::from_slice(&line).map_err(malformed)?;
    Ok(envelope.request)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one byte at a time.
    struct Slow;

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(5));
            buffer.fill(b'x');
            Ok(buffer.len().min(1))
        }
    }

    #[test]
    fn a_line_that_comes_byte_by_byte_has_a_limit_as_a_whole() {
        let begun = Instant::now();
        let mut input = io::BufReader::new(Slow);
        let refused = read(&mut input, Duration::from_millis(50)).unwrap_err();
        assert_eq!(refused, "the request did not arrive within 0 s");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
