//! The table as Python's `tabulate(rows, headers="keys", tablefmt="github")` 0.10.0 renders it.
//!
//! Cases in which `tabulate` loses text are not imitated: whole numbers that contain colour codes (`\x1b[31m007`), and
//! cells with escape sequences in a table that also contains line ends other than `\n`. Also not imitated: terminal
//! hyperlinks, which count with their full width here, and whole numbers of more than 4300 digits.

use std::borrow::Cow;

use crate::answer::Count;

use super::numeric::{self, Kind};

/// By how much a column is at least wider than its header.
const HEADER_MARGIN: usize = 2;

/// The table, without a final line end; empty without counts.
pub(super) fn table(counts: &[Count]) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let rows: Vec<&Count> = counts.iter().filter(|count| !is_separator(count)).collect();
    let names: Vec<&str> = rows.iter().map(|row| name(row)).collect();
    let totals: Vec<String> = rows.iter().map(|row| row.total_words.to_string()).collect();
    let totals: Vec<&str> = totals.iter().map(String::as_str).collect();
    let corpus = Column::new("corpus", &names);
    let total = Column::new("total_words", &totals);

    let rule = format!(
        "|{}|{}|",
        "-".repeat(corpus.width + 2),
        "-".repeat(total.width + 2)
    );
    let mut table = Table {
        text: String::with_capacity((counts.len() + 2) * (rule.len() + 1)),
        corpus: &corpus,
        total: &total,
    };
    table.row("corpus", "total_words");
    table.line(&rule);
    let mut cells = corpus.cells.iter().zip(&total.cells);
    for count in counts {
        if is_separator(count) {
            table.line(&rule);
        } else if let Some((name, number)) = cells.next() {
            // Numbers have one line: they are beside the first line of a name.
            let names = corpus.lines(name);
            for (index, name) in names.iter().enumerate() {
                table.row(name, if index == 0 { number } else { "" });
            }
        }
    }
    table.text
}

fn name(count: &Count) -> &str {
    count.corpus.as_deref().unwrap_or_default()
}

/// `tabulate` draws a rule for a row that consists of this character.
fn is_separator(count: &Count) -> bool {
    name(count).trim_matches(is_space) == "\u{1}"
}

/// A table that is being written.
struct Table<'a> {
    text: String,
    corpus: &'a Column<'a>,
    total: &'a Column<'a>,
}

impl Table<'_> {
    fn line(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }

    fn row(&mut self, corpus: &str, total: &str) {
        self.line("| ");
        self.corpus.pad(corpus, &mut self.text);
        self.text.push_str(" | ");
        self.total.pad(total, &mut self.text);
        self.text.push_str(" |");
    }
}

struct Column<'a> {
    /// In characters, without the space on either side.
    width: usize,
    /// Whether it contains numbers, which are aligned to the right.
    numeric: bool,
    /// Whether a cell has several lines.
    multiline: bool,
    cells: Vec<Cow<'a, str>>,
}

impl<'a> Column<'a> {
    fn new(header: &str, texts: &[&'a str]) -> Self {
        let kind = texts.iter().map(|text| numeric::kind(&visible(text))).max();
        let numeric = matches!(kind, Some(Kind::Integer | Kind::Float));
        let mut cells: Vec<Cow<'a, str>> = match kind {
            Some(Kind::Integer) => texts.iter().copied().map(Cow::Borrowed).collect(),
            Some(Kind::Float) => {
                let styled = texts.iter().any(|text| visible(text) != *text);
                let texts = texts.iter();
                texts.map(|text| Cow::Owned(float_text(text, styled))).collect()
            }
            _ => {
                let texts = texts.iter();
                texts
                    .map(|text| Cow::Borrowed(text.trim_matches(is_space)))
                    .collect()
            }
        };
        if kind == Some(Kind::Float) {
            let fractions: Vec<usize> = cells
                .iter()
                .map(|cell| numeric::fraction_width(&visible(cell)))
                .collect();
            let longest = fractions.iter().copied().max().unwrap_or_default();
            for (cell, fraction) in cells.iter_mut().zip(fractions) {
                cell.to_mut().push_str(&" ".repeat(longest - fraction));
            }
        }
        Self {
            width: cells
                .iter()
                .flat_map(|cell| cell.split(['\r', '\n']))
                .map(width)
                .max()
                .unwrap_or_default()
                .max(header.len() + HEADER_MARGIN),
            numeric,
            multiline: texts.iter().any(|text| text.contains(['\r', '\n'])),
            cells,
        }
    }

    fn lines<'b>(&self, cell: &'b str) -> Vec<Cow<'b, str>> {
        if self.multiline {
            lines(cell).into_iter().map(Cow::Owned).collect()
        } else {
            vec![Cow::Borrowed(cell)]
        }
    }

    fn pad(&self, text: &str, line: &mut String) {
        let blank = self.width.saturating_sub(width(text));
        let (before, after) = if self.numeric { (blank, 0) } else { (0, blank) };
        line.extend(std::iter::repeat_n(' ', before));
        line.push_str(text);
        line.extend(std::iter::repeat_n(' ', after));
    }
}

/// A cell of a column of floats. `styled`: one of the column's cells contains an escape sequence.
fn float_text(text: &str, styled: bool) -> String {
    if styled {
        let bare = visible(text);
        return match numeric::float(&bare) {
            Some(value) => text.replace(bare.as_ref(), &numeric::general(value)),
            None => text.to_owned(),
        };
    }
    let text = text.replace(',', "");
    numeric::float(&text).map_or(text, numeric::general)
}

fn width(line: &str) -> usize {
    visible(line).chars().count()
}

/// The text without ANSI control sequences, such as those for colours.
fn visible(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut shown = String::new();
    while let Some((before, sequence)) = rest.split_once("\u{1b}[") {
        shown.push_str(before);
        let end = sequence
            .trim_start_matches(|c| matches!(c, '0'..='?'))
            .trim_start_matches(|c| matches!(c, ' '..='/'));
        rest = match end.strip_prefix(|c| matches!(c, '@'..='~')) {
            Some(after) => after,
            None => {
                shown.push_str("\u{1b}[");
                sequence
            }
        };
    }
    if shown.is_empty() && rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(shown + rest)
}

/// The lines that Python's `str.splitlines` returns, except for an empty text, which is one empty line here.
fn lines(text: &str) -> Vec<String> {
    const BREAKS: [char; 10] = [
        '\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}',
    ];
    let text = text.replace("\r\n", "\n");
    let text = text.strip_suffix(BREAKS).unwrap_or(&text);
    text.split(BREAKS).map(str::to_owned).collect()
}

/// The characters that Python's `str.strip` removes.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}
