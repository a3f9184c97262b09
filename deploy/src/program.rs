//! Runs a program for its output, with a time limit.

use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// The most bytes of a program's output that are kept: a bill of materials has 1 MB.
const MOST: usize = 64 * 1024 * 1024;
/// The wait for the rest of an ended program's output: a process that it left behind may hold the pipe open.
const GRACE: Duration = Duration::from_secs(5);
/// The longest interval between two checks whether it has ended or is no longer wanted.
const LOOK: Duration = Duration::from_millis(100);

/// Why a program did not end by itself.
#[derive(Debug)]
pub(crate) enum NotEnded {
    /// It was not started.
    NotRun(io::Error),
    /// It was killed, because its time was over or its output was no longer wanted.
    Killed,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// Its standard output, if that was a pipe.
    pub(crate) output: Vec<u8>,
    /// Its standard error, if that was a pipe.
    pub(crate) errors: String,
}

/// Runs a program with this input, and returns its output.
pub(crate) fn output(
    command: &mut Command,
    input: &[u8],
    limit: Duration,
    is_wanted: impl Fn() -> bool,
) -> Result<Ended, NotEnded> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    run(command, input, limit, is_wanted)
}

/// Runs a program to completion. Its output goes where the command says.
pub(crate) fn run(
    command: &mut Command,
    input: &[u8],
    limit: Duration,
    is_wanted: impl Fn() -> bool,
) -> Result<Ended, NotEnded> {
    // A pipe even without input: cosign takes /dev/null for a terminal, and asks it for the password.
    command.stdin(Stdio::piped());
    let mut child = command.spawn().map_err(NotEnded::NotRun)?;
    // On separate threads, because it may write before it reads, or the reverse.
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_vec();
        // A program that does not read its input reports that by its exit code.
        thread::spawn(move || stdin.write_all(&input).ok());
    }
    let (output, errors) = (read_aside(child.stdout.take()), read_aside(child.stderr.take()));
    let Some(status) = wait(&mut child, limit, is_wanted).map_err(NotEnded::NotRun)? else {
        kill(&mut child);
        return Err(NotEnded::Killed);
    };
    let until = Instant::now() + GRACE;
    Ok(Ended {
        status,
        output: collected(&output, until),
        errors: String::from_utf8_lossy(&collected(&errors, until)).into_owned(),
    })
}

/// How it ended; none if it has not ended within the limit, or is no longer wanted.
pub(crate) fn wait(
    child: &mut Child,
    limit: Duration,
    is_wanted: impl Fn() -> bool,
) -> io::Result<Option<ExitStatus>> {
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(1));
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= limit || !is_wanted() {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LOOK);
    }
}

/// Kills it, and its children if it has its own process group; returns how it ended.
pub(crate) fn kill(child: &mut Child) -> Option<ExitStatus> {
    // The process ID of an ended process may have been reused.
    if let Ok(None) = child.try_wait()
        && let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
    {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    child.wait().ok()
}

/// The last line of a program's standard error, if there is one.
pub(crate) fn last_line(errors: &str) -> Option<&str> {
    errors
        .lines()
        .map(str::trim)
        // age ends with the address for reports of its own faults.
        .rfind(|line| !line.is_empty() && !line.starts_with("age: report "))
}

/// A pipe's data, in pieces, read on another thread so that the program never waits for it.
fn read_aside<R: Read + Send + 'static>(pipe: Option<R>) -> Receiver<Vec<u8>> {
    let (sender, pieces) = mpsc::channel();
    let Some(mut pipe) = pipe else { return pieces };
    thread::spawn(move || {
        let (mut left, mut buffer) = (MOST, vec![0; 64 * 1024]);
        loop {
            match pipe.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Data beyond the limit is read and dropped, so that the program is not held up.
                Ok(read @ 1..) => {
                    let kept = buffer.get(..read.min(left)).unwrap_or_default();
                    left -= kept.len();
                    let _ = sender.send(kept.to_vec());
                }
                // After an error, the data so far is all there is.
                Ok(0) | Err(_) => break,
            }
        }
    });
    pieces
}

/// All data until the pipe's end, or until this time.
fn collected(pieces: &Receiver<Vec<u8>>, until: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(piece) = pieces.recv_timeout(until.saturating_duration_since(Instant::now())) {
        all.extend(piece);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_returns_its_output_and_reads_its_input_meanwhile() {
        // More than a pipe holds.
        let input = vec![b'a'; 1 << 20];
        let given = output(&mut shell("cat"), &input, LIMIT, || true).unwrap();
        assert_eq!((given.status.code(), given.output), (Some(0), input));
    }

    #[test]
    fn a_program_without_input_reads_an_empty_pipe() {
        let ended = output(&mut shell("test -p /dev/stdin && cat"), b"", LIMIT, || true).unwrap();
        assert_eq!((ended.status.code(), ended.output), (Some(0), Vec::new()));
    }

    #[test]
    fn a_program_that_fails_says_why_by_its_last_line() {
        let script = "echo no >&2; echo ' why ' >&2; echo >&2; exit 3";
        let failed = output(&mut shell(script), b"", LIMIT, || true).unwrap();
        assert_eq!(
            (failed.status.code(), last_line(&failed.errors)),
            (Some(3), Some("why"))
        );
    }

    #[test]
    fn a_program_ends_when_its_time_is_over_or_it_is_not_wanted() {
        let begun = Instant::now();
        for (limit, is_wanted) in [(Duration::from_millis(50), true), (LIMIT, false)] {
            let failed = output(&mut shell("sleep 60"), b"", limit, || is_wanted);
            assert!(matches!(failed, Err(NotEnded::Killed)), "{failed:?}");
        }
        assert!(begun.elapsed() < LIMIT);
    }

    #[test]
    fn a_process_that_a_program_leaves_behind_costs_no_output() {
        let begun = Instant::now();
        let given = output(&mut shell("echo before; sleep 60 &"), b"", LIMIT, || true).unwrap();
        assert_eq!(given.output, b"before\n");
        assert!(begun.elapsed() < LIMIT);
    }

    #[test]
    fn output_beyond_the_limit_is_dropped_and_holds_up_nothing() {
        let script = format!("head -c {} /dev/zero", MOST + (1 << 20));
        let given = output(&mut shell(&script), b"", LIMIT, || true).unwrap();
        assert_eq!((given.status.code(), given.output.len()), (Some(0), MOST));
    }
}
