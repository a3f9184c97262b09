//! Goes along with a deployment until its host says how it ended: what happened is the host's word, never a guess from here.

use std::thread;
use std::time::{Duration, Instant};

use super::Failure;
use super::host::{Host, SHORT};
use super::pages::{self, Telling};
use super::request::Unanswered;
use crate::protocol::{Empty, Progress, Request};
use crate::release::Pages;
use crate::state::State;

/// How long the host waits for the confirmation.
pub(super) const CONFIRMATION: u64 = 120;
/// How long a deployment is watched: longer than all that the host's own limits allow, its way back included.
pub const DEADLINE: Duration = Duration::from_secs(2400);
/// How long a host may know nothing of a deployment whose beginning it did not answer: it may be reading the closure.
const BEGINNING: Duration = Duration::from_secs(60);
/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);

/// A deployment that was begun, or may have been.
pub(super) struct Deployment<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) id: String,
    /// What is asked from outside; none where the host did not say it.
    pub(super) pages: Option<Pages>,
    /// Whether the host said that it began.
    pub(super) begun: bool,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) state: State,
    pub(super) reason: String,
    /// Words that were not ready before it either.
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

/// What was said of it so far.
#[derive(Default)]
struct Said {
    lines: usize,
    state: Option<State>,
    unreachable: bool,
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
                Ok(None) => said.unreachable = false,
                Err(Unanswered::Refused(why)) => return Err(self.host.failed(why)),
                Err(why) => {
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
                excused: progress.excused,
            }));
        }
        if self.host.interrupt.came() && !said.aborted {
            self.host.say("interrupted: it is rolled back");
            self.abort("it was interrupted")?;
            said.aborted = true;
        } else if progress.state == State::Unconfirmed && !said.answered {
            self.answer(&progress.excused)?;
            said.answered = true;
        }
        Ok(None)
    }

    /// Asks from outside, and tells the host whether the new system stays.
    fn answer(&self, excused: &[String]) -> Result<(), Unanswered> {
        let checked = match &self.pages {
            Some(pages) => pages::check(self.host, pages, excused, Telling::Each),
            None => Err("what it must answer is not known to whoever asked for it".to_owned()),
        };
        match checked {
            // An interrupt is told by the next step.
            _ if self.host.interrupt.came() => Ok(()),
            Ok(()) => self.tell(Request::Confirm { id: self.id.clone() }),
            Err(wrong) => self.abort(&wrong),
        }
    }

    fn abort(&self, reason: &str) -> Result<(), Unanswered> {
        self.tell(Request::Abort {
            id: self.id.clone(),
            reason: reason.to_owned(),
        })
    }

    /// A host that refuses it has ended the deployment meanwhile, and says how at the next question.
    fn tell(&self, request: Request) -> Result<(), Unanswered> {
        match self.host.tell::<Empty>(request, SHORT) {
            Err(Unanswered::Refused(why)) => self.host.say(&format!("too late: {why}")),
            other => {
                other?;
            }
        }
        Ok(())
    }
}
