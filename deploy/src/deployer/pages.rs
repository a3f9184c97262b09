//! Checks all pages of a host from outside, as its clients see them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::host::Host;
use crate::page::{Outside, Patience, Wrong};
use crate::release::Pages;

/// How long all pages of a host may take; the host waits longer than that for the confirmation.
pub(super) const LIMIT: Duration = Duration::from_secs(90);
/// How long the page of an excused word may take.
const EXCUSED: Duration = Duration::from_secs(3);

/// How long all pages may take before a deployment, and how long one of them may.
const BEFORE: Duration = Duration::from_secs(20);
const BEFORE_ONE: Duration = Duration::from_secs(5);

/// Whether each page is reported, or only the wrong ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    Each,
    Wrong,
}

/// Compares every page with the expected counts. An `excused` word was not ready before either, so only a wrong answer
/// counts against it. Excused words are checked last, because they must not use up the time of the others.
pub(super) fn check(
    host: &Host<'_>,
    pages: &Pages,
    excused: &[String],
    telling: Telling,
) -> Result<(), String> {
    let mut outside = Outside::new(pages.certificate_authority.as_deref())?;
    let until = Instant::now() + LIMIT;
    let (last, first): (Vec<_>, Vec<_>) = pages.pages.iter().partition(|(word, _)| excused.contains(word));
    let all = first.into_iter().map(|page| (page, false));
    for ((word, url), excused) in all.chain(last.into_iter().map(|page| (page, true))) {
        let none = crate::page::ByCorpus::new();
        let expected = pages.expected_counts.get(word).unwrap_or(&none);
        let patience = Patience {
            until: if excused {
                until.min(Instant::now() + EXCUSED)
            } else {
                until
            },
            asks_again: !excused,
            given_up: &|| host.interrupt.came(),
        };
        match outside.check(url, expected, patience) {
            Ok(corpora) if telling == Telling::Each => {
                host.say(&format!("from outside: {url} lists {corpora} corpora"));
            }
            Ok(_) => {}
            Err(wrong) if excused && !wrong.is_wrong_answer() && !matches!(wrong, Wrong::Unwanted(_)) => {
                if telling == Telling::Each {
                    host.say(&format!("from outside: {word} is excused: {wrong}"));
                }
            }
            Err(wrong) => return Err(wrong.to_string()),
        }
    }
    Ok(())
}

/// The words whose pages do not respond now, whatever the host itself reports: a page that is already unavailable from
/// outside does not refuse a deployment. A page whose state is not known, such as that of a new word, counts as
/// unavailable if no other page responds.
pub(super) fn unanswered(
    host: &Host<'_>,
    pages: &Pages,
    running: &BTreeMap<String, String>,
) -> Result<Vec<String>, String> {
    let mut outside = Outside::new(pages.certificate_authority.as_deref())?;
    let until = Instant::now() + BEFORE;
    let (mut silent, mut unknown, mut any) = (Vec::new(), Vec::new(), false);
    for (word, url) in &pages.pages {
        if !running.contains_key(word) {
            unknown.push(word.clone());
            continue;
        }
        let patience = Patience {
            until: until.min(Instant::now() + BEFORE_ONE),
            asks_again: true,
            given_up: &|| host.interrupt.came(),
        };
        match outside.check(url, &crate::page::ByCorpus::new(), patience) {
            Ok(_) => any = true,
            Err(wrong) if wrong.is_wrong_answer() => any = true,
            Err(Wrong::Late(_) | Wrong::Unwanted(_)) => unknown.push(word.clone()),
            Err(wrong) => {
                host.say(&format!(
                    "from outside: {word} was already wrong, and is only reported: {wrong}"
                ));
                silent.push(word.clone());
            }
        }
    }
    if !any && !silent.is_empty() && !unknown.is_empty() {
        host.say(&format!(
            "from outside: no page responds, so these are only reported too: {}",
            unknown.join(", ")
        ));
        silent.append(&mut unknown);
    }
    Ok(silent)
}
