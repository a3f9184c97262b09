//! Runs a program for its output, within a time.

use std::io::{ErrorKind, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::Fault;

/// An image of 100 MB over a slow line takes minutes.
const LIMIT: Duration = Duration::from_mins(10);
/// Most bytes that are kept of what it says: a bill of materials has 1 MB.
const MOST: u64 = 64 * 1024 * 1024;
/// How often an ended output's program is asked whether it ended, too.
const PAUSE: Duration = Duration::from_millis(10);

/// A program's output, given its input; its last line of complaint is the fault where it fails.
pub(super) fn run(name: &'static str, command: &mut Command, input: &[u8]) -> Result<Vec<u8>, Fault> {
    let failed = |said: String| Fault::Program { program: name, said };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            failed(if error.kind() == ErrorKind::NotFound {
                "it is not installed, or not on $PATH".to_owned()
            } else {
                error.to_string()
            })
        })?;

    // Threads of their own, which end when the program does: it may write before it reads, and the other way about.
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_vec();
        // One that does not read its input says so by its exit code.
        thread::spawn(move || stdin.write_all(&input).ok());
    }
    let output = child.stdout.take().map(collected);
    let complaint = child.stderr.take().map(collected);

    let end = Instant::now() + LIMIT;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => thread::sleep(PAUSE),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Fault::Slow {
                    program: name,
                    limit: LIMIT,
                });
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    // What it started may hold its output open.
    let slow = || Fault::Slow {
        program: name,
        limit: LIMIT,
    };
    let rest = || end.saturating_duration_since(Instant::now());
    let of = |pipe: Option<mpsc::Receiver<Vec<u8>>>| {
        pipe.map_or(Ok(Vec::new()), |bytes| {
            bytes.recv_timeout(rest()).map_err(|_| slow())
        })
    };
    let (output, complaint) = (of(output)?, of(complaint)?);
    if status.success() {
        return Ok(output);
    }
    let complaint = String::from_utf8_lossy(&complaint);
    Err(failed(
        match complaint.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(line) => line.trim().to_owned(),
            None => format!("it ended by {status}"),
        },
    ))
}

/// The same as text without the white space at its ends.
pub(super) fn said(name: &'static str, command: &mut Command) -> Result<String, Fault> {
    let output = run(name, command, b"")?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

fn collected(pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut pipe = pipe.take(MOST);
        let _ = pipe.read_to_end(&mut bytes);
        // The rest is read and forgotten, so that the program is not held up by it.
        let _ = std::io::copy(&mut pipe.into_inner(), &mut std::io::sink());
        sender.send(bytes).ok()
    });
    receiver
}
