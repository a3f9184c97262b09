//! One request over one connection: a line to the host, bytes if there are any, and a line back. Everything has a time
//! limit.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::interrupt::Interrupt;
use super::output::clean;
use super::ssh::Ssh;
use crate::program;
use crate::protocol::{Envelope, MOST, Request, Response, VERSION};

/// The most bytes that are kept of SSH's messages.
const SAID: usize = 4096;
/// How often a wait checks for an interrupt.
const LOOK: Duration = Duration::from_millis(50);
/// How long SSH may take to end after the answer.
const GRACE: Duration = Duration::from_secs(2);

/// Why a request was not answered with success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    /// The host refused it, with its sentence.
    #[error("{0}")]
    Refused(String),
    /// There is no readable answer: whether the request was carried out is not known.
    #[error("{0}")]
    Unreachable(String),
    /// This machine failed.
    #[error("{0}")]
    Here(String),
    /// The deployer was interrupted.
    #[error("interrupted before anything was changed")]
    Interrupted,
}

/// Writes the bytes after the line of a request. It stops at the first error; an error of this machine is a sentence.
pub(super) type Bytes = Box<dyn FnOnce(&mut dyn Write) -> Result<(), Stopped> + Send>;

/// Why not all bytes were written.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The other side accepts no more: its answer says why.
    There,
    /// This machine has no more to send, for this reason.
    Here(String),
}

/// The time limits of a request, and its interrupt.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    /// The limit of the whole request.
    pub(super) all: Duration,
    /// The limit without any transferred byte.
    pub(super) still: Duration,
    /// Ends the request at once, if it changes nothing that runs.
    pub(super) interrupt: Option<&'a Interrupt>,
}

/// Sends a request, and waits for the answer.
pub(super) fn ask<T: DeserializeOwned>(
    ssh: &Ssh,
    request: Request,
    bytes: Option<Bytes>,
    limits: Limits<'_>,
) -> Result<T, Unanswered> {
    let mut line = serde_json::to_vec(&Envelope {
        version: VERSION,
        request,
    })
    .map_err(|error| Unanswered::Here(format!("the request cannot be written: {error}")))?;
    line.push(b'\n');
    let mut child = ssh
        .command()
        .spawn()
        .map_err(|error| Unanswered::Here(format!("ssh cannot be started: {error}")))?;
    let conversation = Conversation::begin(&mut child, line, bytes);
    let said = conversation.answer(limits);
    let ended = end(&mut child, said.is_ok());
    parse(&ssh.address, said?, ended, &conversation.errors)
}

/// The threads for SSH's three streams. None is awaited: each ends with SSH, or with this process.
struct Conversation {
    events: Receiver<Event>,
    errors: Receiver<String>,
    moved: Arc<AtomicU64>,
}

enum Event {
    Sent(Result<(), Stopped>),
    Answer(Vec<u8>),
}

impl Conversation {
    fn begin(child: &mut Child, line: Vec<u8>, bytes: Option<Bytes>) -> Self {
        let (sender, events) = channel();
        let (error_sender, errors) = channel();
        let moved = Arc::new(AtomicU64::new(0));
        if let Some(stdin) = child.stdin.take() {
            let (sender, counted) = (sender.clone(), Counted(stdin, Arc::clone(&moved)));
            thread::spawn(move || write(counted, &line, bytes, &sender));
        }
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                let mut answer = Vec::new();
                let mut reader = BufReader::new(stdout).take(MOST + 1);
                // After an error, the bytes so far are all there are.
                let _ = reader.read_until(b'\n', &mut answer);
                let _ = sender.send(Event::Answer(answer));
            });
        }
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || {
                let mut said = Vec::new();
                let mut reader = BufReader::new(stderr);
                let _ = reader.by_ref().take(SAID as u64).read_to_end(&mut said);
                let _ = error_sender.send(String::from_utf8_lossy(&said).into_owned());
                // A full pipe would block SSH.
                let _ = std::io::copy(&mut reader, &mut std::io::sink());
            });
        }
        Self {
            events,
            errors,
            moved,
        }
    }

    /// The bytes of the answer; none if the connection ended without one.
    fn answer(&self, limits: Limits<'_>) -> Result<Vec<u8>, Unanswered> {
        let begun = Instant::now();
        let (mut last, mut since) = (0, begun);
        loop {
            match self.events.recv_timeout(LOOK) {
                Ok(Event::Answer(answer)) => return Ok(answer),
                Ok(Event::Sent(Err(Stopped::Here(why)))) => return Err(Unanswered::Here(why)),
                Ok(Event::Sent(Ok(()) | Err(Stopped::There))) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
            }
            if limits.interrupt.is_some_and(Interrupt::came) {
                return Err(Unanswered::Interrupted);
            }
            let (now, moved) = (Instant::now(), self.moved.load(Ordering::Relaxed));
            if moved != last {
                (last, since) = (moved, now);
            }
            let over = |begun: Instant, limit: Duration| (now - begun >= limit).then_some(limit);
            if let Some(limit) = over(begun, limits.all).or(over(since, limits.still)) {
                return Err(Unanswered::Unreachable(format!(
                    "no answer within {} s",
                    limit.as_secs()
                )));
            }
        }
    }
}

fn write(mut to: impl Write, line: &[u8], bytes: Option<Bytes>, sender: &Sender<Event>) {
    let sent = match to.write_all(line) {
        Ok(()) => bytes.map_or(Ok(()), |bytes| bytes(&mut to)),
        Err(_) => Err(Stopped::There),
    };
    let _ = sender.send(Event::Sent(
        sent.and_then(|()| to.flush().map_err(|_| Stopped::There)),
    ));
}

/// Counts the written bytes, to distinguish a stalled connection from a slow one.
struct Counted<W>(W, Arc<AtomicU64>);

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Waits for SSH to end if the answer has arrived, and kills it otherwise.
fn end(child: &mut Child, done: bool) -> Option<ExitStatus> {
    let grace = if done { GRACE } else { Duration::ZERO };
    match program::wait(child, grace, || true) {
        Ok(Some(status)) => Some(status),
        _ => program::kill(child),
    }
}

fn parse<T: DeserializeOwned>(
    address: &str,
    answer: Vec<u8>,
    ended: Option<ExitStatus>,
    errors: &Receiver<String>,
) -> Result<T, Unanswered> {
    if answer.last() == Some(&b'\n')
        && let Ok(response) = serde_json::from_slice::<Response<T>>(&answer)
    {
        return match response {
            Response::Done(done) => Ok(done),
            Response::Refused(why) => Err(Unanswered::Refused(clean(&why))),
        };
    }
    let said = errors.recv_timeout(GRACE).unwrap_or_default();
    Err(Unanswered::Unreachable(if answer.len() as u64 > MOST {
        format!("{address} sent an answer of more than {MOST} bytes")
    } else if !answer.is_empty() {
        format!(
            "{address} sent an answer that cannot be parsed: {}",
            beginning(&answer)
        )
    } else if !said.trim().is_empty() {
        clean(said.trim())
    } else {
        match ended.and_then(|status| status.code()) {
            Some(255) | None => format!("{address} cannot be reached by SSH"),
            Some(_) => format!("{address} ended the connection without an answer"),
        }
    }))
}

fn beginning(answer: &[u8]) -> String {
    clean(String::from_utf8_lossy(answer.get(..200).unwrap_or(answer)).trim())
}
