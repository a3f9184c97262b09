//! What SSH starts for the user `deploy`: it carries one connection to the service, and can do nothing else.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

/// Carries what comes to the socket and what it answers back, until the answer's end.
///
/// # Errors
///
/// That the service is not reached, or its answer not handed on.
pub fn relay(socket: &Path, mut input: impl Read + Send + 'static, mut output: impl Write) -> io::Result<()> {
    let mut service = UnixStream::connect(socket)?;
    let mut requests = service.try_clone()?;
    // It ends with the process: nobody waits for more input once the answer is there.
    thread::spawn(move || {
        // A service that has refused reads no more, and its answer is what counts.
        let _ = io::copy(&mut input, &mut requests);
        let _ = requests.shutdown(Shutdown::Write);
    });
    let copied = match io::copy(&mut service, &mut output) {
        // It has not read all before it answered.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        other => other.map(drop),
    };
    copied.and(output.flush())
}
