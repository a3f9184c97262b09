//! Follows a deployment until its host reports how it ended: the outcome is the host's report, never a guess from here.

use std::thread;
use std::time::{Duration, Instant};

use super::Failure;
use super::host::{Host, LONG, SHORT};
use super::pages::{self, Telling};
use super::request::Unanswered;
use crate::host::lock;
use crate::protocol::{Empty, Progress, Request};
use crate::release::Pages;
use crate::state::State;

/// How long the host waits for the confirmation.
pub(super) const CONFIRMATION: u64 = 120;
/// How long a deployment is watched: longer than the sum of the host's own limits, including its rollback.
pub const DEADLINE: Duration = Duration::from_secs(3600);
const _: () = assert!(DEADLINE.as_secs() > lock::FORWARD + CONFIRMATION + lock::BACK);
/// How long a host may not know a deployment whose start it did not answer: it may be reading the closure.
const BEGINNING: Duration = LONG;
/// How long a host may refuse to report the state: systemd does not respond while it re-executes itself.
const REFUSING: Duration = Duration::from_secs(120);
/// The interval between two queries.
const EVERY: Duration = Duration::from_secs(1);

/// A deployment that was started, or may have been.
pub(super) struct Deployment<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) id: String,
    /// The pages to check from outside; none if the host did not report them.
    pub(super) pages: Option<Pages>,
    /// Words whose pages did not respond from outside before the deployment either.
    pub(super) unanswered: Vec<String>,
    /// Whether the host confirmed the start.
    pub(super) begun: bool,
}

/// The outcome.
pub(super) struct Ended {
    pub(super) state: State,
    pub(super) reason: String,
    /// Words that were not ready before the deployment either.
    pub(super) excused: Vec<String>,
}

impl Ended {
    /// Refuses every outcome except the wanted one.
    pub(super) fn committed(self, host: &Host<'_>) -> Result<Vec<String>, Failure> {
        if self.state == State::Committed {
            return Ok(self.excused);
        }
        Err(host.failed(match self.reason.as_str() {
            "" => self.state.to_string(),
            reason => format!("{}: {reason}", self.state),
        }))
    }
}

/// The messages of the deployment so far.
#[derive(Default)]
struct Said {
    lines: usize,
    state: Option<State>,
    unreachable: bool,
    /// Since when the host has refused to report the state.
    refusing: Option<Instant>,
    /// Whether the pages are correct, once they were checked from outside.
    verdict: Option<Result<(), String>>,
    /// The host's reason if it did not accept a confirmation or an abort.
    not_taken: Option<String>,
    interrupted: bool,
    aborted: bool,
    answered: bool,
}

impl Deployment<'_> {
    pub(super) fn watch(&self) -> Result<Ended, Failure> {
        let deadline = Instant::now() + DEADLINE;
        let known = Instant::now() + if self.begun { Duration::ZERO } else { BEGINNING };
        let mut said = Said::default();
        while Instant::now() < deadline {
            match self.step(&mut said, known) {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => (said.unreachable, said.refusing) = (false, None),
                Err(why) => {
                    if !matches!(why, Unanswered::Refused(_)) {
                        said.refusing = None;
                    } else if said.refusing.get_or_insert_with(Instant::now).elapsed() >= REFUSING {
                        return Err(self.host.failed(why));
                    }
                    if !said.unreachable {
                        self.host.say(&format!(
                            "unreachable, and will roll back by itself if it stays unreachable: {why}"
                        ));
                    }
                    // The state is reported again after the interruption.
                    (said.unreachable, said.state) = (true, None);
                }
            }
            thread::sleep(EVERY);
        }
        Err(self.host.failed(format!(
            "unreachable: it did not end within {} s",
            DEADLINE.as_secs()
        )))
    }

    /// Queries once, and responds if the host waits for it.
    fn step(&self, said: &mut Said, known: Instant) -> Result<Option<Ended>, Unanswered> {
        let request = Request::Progress {
            id: self.id.clone(),
            seen: said.lines,
        };
        let progress: Progress = self.host.tell(request, SHORT)?;
        if progress.state == State::Lost && said.state.is_none() && Instant::now() < known {
            return Ok(None);
        }
        said.lines += progress.lines.len();
        progress.lines.iter().for_each(|line| self.host.say(line));
        if said.state != Some(progress.state) {
            said.state = Some(progress.state);
            self.host.say(&progress.state.to_string());
        }
        if progress.state.is_final() {
            return Ok(Some(Ended {
                state: progress.state,
                reason: progress.reason.unwrap_or_default(),
                excused: self.excused(progress.excused),
            }));
        }
        if self.host.interrupt.came() && !said.aborted {
            if !said.interrupted {
                self.host.say("interrupted: it is rolled back");
            }
            said.interrupted = true;
            said.aborted = self.abort("it was interrupted", said)?;
        } else if progress.state == State::Unconfirmed && !said.answered {
            self.answer(&self.excused(progress.excused), said)?;
        }
        Ok(None)
    }

    /// The words that were not ready before either, by the host's report or as seen from outside.
    fn excused(&self, mut by_host: Vec<String>) -> Vec<String> {
        by_host.extend_from_slice(&self.unanswered);
        by_host
    }

    /// Checks the pages from outside, and tells the host whether the new system stays. A message that the host does not
    /// accept is sent again while it waits.
    fn answer(&self, excused: &[String], said: &mut Said) -> Result<(), Unanswered> {
        let verdict = match said.verdict.clone() {
            Some(verdict) => verdict,
            None => {
                let checked = match &self.pages {
                    Some(pages) => pages::check(self.host, pages, excused, Telling::Each),
                    None => Err("its expected counts are not known here".to_owned()),
                };
                // The next step handles an interrupt.
                if self.host.interrupt.came() {
                    return Ok(());
                }
                said.verdict.insert(checked).clone()
            }
        };
        said.answered = match verdict {
            Ok(()) => self.tell(Request::Confirm { id: self.id.clone() }, said)?,
            Err(wrong) => self.abort(&wrong, said)?,
        };
        Ok(())
    }

    fn abort(&self, reason: &str, said: &mut Said) -> Result<bool, Unanswered> {
        let request = Request::Abort {
            id: self.id.clone(),
            reason: reason.to_owned(),
        };
        self.tell(request, said)
    }

    /// Whether the host accepted it. A host that has ended the deployment meanwhile reports the outcome at the next
    /// query.
    fn tell(&self, request: Request, said: &mut Said) -> Result<bool, Unanswered> {
        match self.host.tell::<Empty>(request, SHORT) {
            Ok(Empty {}) => Ok(true),
            Err(Unanswered::Refused(why)) => {
                if said.not_taken.as_ref() != Some(&why) {
                    self.host.say(&format!("not accepted: {why}"));
                }
                said.not_taken = Some(why);
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }
}
