//! The command that SSH starts for the user `deploy`: it forwards one connection to the service, and can do nothing
//! else.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

/// Forwards the input to the socket and its answer back, until the end of the answer.
///
/// # Errors
///
/// The service cannot be reached, or its answer cannot be forwarded.
pub fn relay(socket: &Path, mut input: impl Read + Send + 'static, mut output: impl Write) -> io::Result<()> {
    let mut service = UnixStream::connect(socket)?;
    let mut requests = service.try_clone()?;
    // It ends with the process: once the answer has arrived, no more input is awaited.
    thread::spawn(move || {
        // A service that has refused reads no more, and its answer is what counts.
        let _ = io::copy(&mut input, &mut requests);
        let _ = requests.shutdown(Shutdown::Write);
    });
    let copied = match io::copy(&mut service, &mut output) {
        // It answered before it had read everything.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        other => other.map(drop),
    };
    copied.and(output.flush())
}
