//! Asks all pages of a host from outside, as its clients do.

use std::time::{Duration, Instant};

use super::host::Host;
use crate::page::{Outside, Patience, Wrong};
use crate::release::Pages;

/// How long all pages of a host may take: the host waits for the confirmation longer than that.
pub(super) const LIMIT: Duration = Duration::from_secs(90);

/// Whether each page is said, or only what is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    Each,
    Wrong,
}

/// Compares every page with the expected counts. A word that is `excused` was not ready before either: only a wrong
/// answer of it counts.
pub(super) fn check(
    host: &Host<'_>,
    pages: &Pages,
    excused: &[String],
    telling: Telling,
) -> Result<(), String> {
    let mut outside = Outside::new(pages.certificate_authority.as_deref())?;
    let until = Instant::now() + LIMIT;
    for (word, url) in &pages.pages {
        let excused = excused.contains(word);
        let none = crate::page::ByCorpus::new();
        let expected = pages.expected_counts.get(word).unwrap_or(&none);
        let patience = Patience {
            until,
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
                    host.say(&format!(
                        "from outside: excused, since {word} was not ready before: {wrong}"
                    ));
                }
            }
            Err(wrong) => return Err(wrong.to_string()),
        }
    }
    Ok(())
}
