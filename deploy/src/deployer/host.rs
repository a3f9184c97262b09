//! A host and requests to it, each with its own time limit.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use serde::de::DeserializeOwned;

use super::interrupt::Interrupt;
use super::request::{Bytes, Limits, Unanswered, ask};
use super::ssh::Ssh;
use super::{Failure, output};
use crate::closure::hex;
use crate::protocol::{Request, Status};

/// The limit of requests that the host answers from its own files.
pub(super) const SHORT: Duration = Duration::from_secs(30);
/// The limit of requests for which the host reads a whole closure, asks each word, or runs the new system's programs.
pub(super) const LONG: Duration = Duration::from_secs(300);

/// A host and its deployer.
#[derive(Debug)]
pub(super) struct Host<'a> {
    pub(super) name: &'a str,
    pub(super) interrupt: &'a Interrupt,
    ssh: Ssh,
}

impl<'a> Host<'a> {
    pub(super) fn new(name: &'a str, ssh: Ssh, interrupt: &'a Interrupt) -> Self {
        Self { name, interrupt, ssh }
    }

    /// Prints a line about it.
    pub(super) fn say(&self, text: &str) {
        output::line(&format!("{}: {text}", self.name));
    }

    /// A failure of it.
    pub(super) fn failed(&self, why: impl ToString) -> Failure {
        Failure::Host(self.name.to_owned(), why.to_string())
    }

    /// The same for a request without a proper answer; a refusal by the host is distinguished from the others.
    pub(super) fn unanswered(&self, error: Unanswered) -> Failure {
        match error {
            Unanswered::Refused(why) => Failure::Refused(self.name.to_owned(), why),
            other => self.failed(other),
        }
    }

    /// A request that changes nothing that runs: an interrupt ends it.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        request: Request,
        limit: Duration,
    ) -> Result<T, Unanswered> {
        let interrupt = Some(self.interrupt);
        let limits = Limits {
            all: limit,
            still: limit,
            interrupt,
        };
        ask(&self.ssh, request, None, limits)
    }

    /// A request that must be answered once it is sent: an interrupt takes effect afterwards.
    pub(super) fn tell<T: DeserializeOwned>(
        &self,
        request: Request,
        limit: Duration,
    ) -> Result<T, Unanswered> {
        let limits = Limits {
            all: limit,
            still: limit,
            interrupt: None,
        };
        ask(&self.ssh, request, None, limits)
    }

    /// A request with bytes after it, which changes nothing that runs.
    pub(super) fn send<T: DeserializeOwned>(
        &self,
        request: Request,
        bytes: Bytes,
        all: Duration,
        still: Duration,
    ) -> Result<T, Unanswered> {
        let limits = Limits {
            all,
            still,
            interrupt: Some(self.interrupt),
        };
        ask(&self.ssh, request, Some(bytes), limits)
    }

    pub(super) fn status(&self) -> Result<Status, Failure> {
        self.ask(Request::Status, LONG)
            .map_err(|error| self.failed(error))
    }
}

/// A unique name for a deployment.
pub(super) fn id() -> Result<String, String> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "the system provides no random bytes".to_owned())?;
    Ok(hex(&bytes))
}
