//! Output for people.

use std::io::Write;

/// Prints a line. A terminal or a log that is gone must not end a deployment.
pub(super) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", clean(text)).and_then(|()| out.flush());
}

/// Prints text of several lines unchanged.
pub(super) fn block(text: &str) {
    text.lines().for_each(line);
}

/// Text from another machine, made safe for a terminal.
pub(super) fn clean(text: &str) -> String {
    text.trim_end()
        .chars()
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect()
}
