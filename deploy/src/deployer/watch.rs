//! Goes along with a deployment until its host says how it ended: what happened is the host's word, never a guess from here.

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
/// How long a deployment is watched: longer than all that the host's own limits allow, its way back included.
pub const DEADLINE: Duration = Duration::from_secs(3600);
const _: () = assert!(DEADLINE.as_secs() > lock::FORWARD + CONFIRMATION + lock::BACK);
/// How long a host may know nothing of a deployment whose beginning it did not answer: it may be reading the closure.
const BEGINNING: Duration = LONG;
/// How long a host may refuse to say how it stands: systemd answers nobody while it executes itself anew.
const REFUSING: Duration = Duration::from_secs(120);
/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);

/// A deployment that was begun, or may have been.
pub(super) struct Deployment<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) id: String,
    /// What is asked from outside; none where the host did not say it.
    pub(super) pages: Option<Pages>,
    /// Words whose pages did not answer from outside before it either.
    pub(super) unanswered: Vec<String>,
    /// Whether the host said that it began.
    pub(super) begun: bool,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) state: State,
    pub(super) reason: String,
    /// Words that were not right before it either.
    pub(super) excused: Vec<String>,
}

impl Ended {
    /// Refuses every end but the one that was wanted.
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

/// What was said and heard of it so far.
#[derive(Default)]
struct Said {
    lines: usize,
    state: Option<State>,
    unreachable: bool,
    /// Since when the host refuses to say how it stands.
    refusing: Option<Instant>,
    /// Whether the pages are right, once it was asked from outside.
    verdict: Option<Result<(), String>>,
    /// What the host said where it did not take a confirmation or an abort.
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
                            "unreachable, and rolls back by itself if it stays so: {why}"
                        ));
                    }
                    // What was said before the break is said again after it.
                    (said.unreachable, said.state) = (true, None);
                }
            }
            thread::sleep(EVERY);
        }
        Err(self.host.failed(format!(
            "unreachable: no end was seen within {} s",
            DEADLINE.as_secs()
        )))
    }

    /// Asks once, and answers what it is asked.
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

    /// The words that were not right before it either, by the host's word or from outside.
    fn excused(&self, mut by_host: Vec<String>) -> Vec<String> {
        by_host.extend_from_slice(&self.unanswered);
        by_host
    }

    /// Asks from outside, and tells the host whether the new system stays. What the host does not take is told again
    /// while it waits for it.
    fn answer(&self, excused: &[String], said: &mut Said) -> Result<(), Unanswered> {
        let verdict = match said.verdict.clone() {
            Some(verdict) => verdict,
            None => {
                let checked = match &self.pages {
                    Some(pages) => pages::check(self.host, pages, excused, Telling::Each),
                    None => Err("what it must answer is not known to whoever asked for it".to_owned()),
                };
                // An interrupt is told by the next step.
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

    /// Whether the host took it. One that has ended the deployment meanwhile says how at the next question.
    fn tell(&self, request: Request, said: &mut Said) -> Result<bool, Unanswered> {
        match self.host.tell::<Empty>(request, SHORT) {
            Ok(Empty {}) => Ok(true),
            Err(Unanswered::Refused(why)) => {
                if said.not_taken.as_ref() != Some(&why) {
                    self.host.say(&format!("not taken: {why}"));
                }
                said.not_taken = Some(why);
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }
}
