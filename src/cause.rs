//! The causes of an error.

use std::error::Error;
use std::sync::Arc;

use crate::secrets::redacted;

/// The most characters of one error in a log line.
const MAX_CHARACTERS: usize = 500;
/// The most bytes of one error that are read.
const MAX_BYTES: usize = 64 * 1024;

/// The cause of an error. It is shared, because all callers who wait for one token get the same failure.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// An error and all its causes, in one line. Text that an error repeats from its cause appears once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = clean(&error.to_string());
    let mut next = error.source();
    while let Some(error) = next {
        let words = clean(&error.to_string());
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = error.source();
    }
    text
}

/// A server's own words, made fit for one log line: without secrets or control characters, and not too long.
pub(crate) fn clean(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_BYTES);
    // Before the end is cut off: too little of a secret might remain to recognise it.
    redacted(text.get(..end).unwrap_or_default())
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{says}")]
    struct Link {
        says: &'static str,
        source: Option<Box<Link>>,
    }

    fn link(says: &'static str, source: Option<Link>) -> Link {
        Link {
            says,
            source: source.map(Box::new),
        }
    }

    #[test]
    fn a_chain_is_one_line_that_says_nothing_twice() {
        let last = link("refused\n", None);
        let repeating = link("cannot connect: refused\n", Some(last));
        let first = link("no token", Some(repeating));
        assert_eq!(chain(&first), "no token: cannot connect: refused ");
    }
}
