//! Rolls back to a generation that ran on the host before. It was verified when it was deployed, so nothing is built or
//! signed again.

use super::Failure;
use super::host::{self, Host, LONG};
use super::request::Unanswered;
use super::watch::{CONFIRMATION, Deployment};
use crate::protocol::{Request, RollingBack};

pub(super) fn roll_back(host: &Host<'_>, generation: Option<u64>) -> Result<(), Failure> {
    if host.interrupt.came() {
        return Err(host.failed(Unanswered::Interrupted));
    }
    let id = host::id().map_err(|error| host.failed(error))?;
    let request = Request::Rollback {
        id: id.clone(),
        generation,
        confirmation: CONFIRMATION,
    };
    let (system, pages) = match host.tell::<RollingBack>(request, LONG) {
        Ok(begun) => {
            host.say(&format!(
                "going back to generation {}, {}",
                begun.generation,
                begun.system.display()
            ));
            (Some(begun.system), Some(begun.pages))
        }
        // The rollback may have started, and its expected counts are not known here: the host keeps running what it
        // runs.
        Err(Unanswered::Unreachable(error)) => {
            host.say(&format!("unreachable: {error}"));
            (None, None)
        }
        Err(error) => return Err(host.failed(format!("not started: {error}"))),
    };
    let begun = system.is_some();
    Deployment {
        host,
        id,
        pages,
        unanswered: Vec::new(),
        begun,
    }
    .watch()?
    .committed(host)?;
    if let Some(system) = system {
        host.say(&format!("runs {}, now and after a restart", system.display()));
    }
    Ok(())
}
