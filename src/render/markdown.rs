//! The answer as Markdown: a heading, a table after GitHub's specification, and what the numbers are of.

use super::facts::{self, Facts};

pub(super) fn answer(facts: &Facts<'_>) -> String {
    let word = escape(facts.word);
    let mut text = format!("# {}\n\n", facts::heading(&word));
    if facts.counts.is_empty() {
        text.push_str(&format!("{}\n", facts::none_found(&word)));
    } else {
        text.push_str("| corpus | total_words |\n| :--- | ---: |\n");
        for count in facts.counts {
            let corpus = count.corpus.as_deref().map(escape).unwrap_or_default();
            text.push_str(&format!("| {corpus} | {} |\n", count.total_words));
        }
        text.push_str(&format!("\nIn all: {}.\n", facts.summary()));
    }
    text.push_str(&format!(
        "\nData as of {}, from `{}`.\n",
        facts.as_of, facts.source
    ));
    text
}

/// One line that reads as the text does: no mark-up, no cell's end, no HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in facts::line(text).chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '!' | '$' | ':' | '@'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
