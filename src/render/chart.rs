//! The counts as a bar chart in inline SVG.
//!
//! Places along the x axis are percentages, so that the chart fits any window while its text keeps its size.

use super::escape::escape;
use super::report::Report;
use super::wording::{grouped, line};

/// The most bars drawn; the table holds the rest.
const MOST_BARS: usize = 100;
/// The longest label, in columns of a character; wide characters take two.
const MOST_LABEL_COLUMNS: usize = 22;
/// One bar's share of the height, in pixels.
const ROW_HEIGHT: usize = 24;
/// Where bars begin, in percent.
const BARS_AT: f64 = 35.0;
/// What one character of a number takes at the least window, in percent.
const DIGIT: f64 = 1.6;

/// One bar per count, the largest number the longest bar; negative numbers have none.
pub(super) fn chart(report: &Report<'_>) -> String {
    let shown = report.counts.get(..MOST_BARS).unwrap_or(report.counts);
    let longest = shown
        .iter()
        .map(|count| count.total_words)
        .max()
        .unwrap_or_default()
        .max(1);
    let number_columns = shown
        .iter()
        .map(|count| grouped(count.total_words.into()).len())
        .max()
        .unwrap_or_default();
    let full = 99.0 - BARS_AT - DIGIT * number_columns as f64;

    let title = format!("How often '{}' appears in each corpus", line(report.word));
    let desc = match report.counts.len() - shown.len() {
        0 => "A bar chart of the numbers in the table above.".to_owned(),
        more => format!(
            "A bar chart of the table's first {MOST_BARS} numbers; it holds {} more.",
            grouped(more as i128)
        ),
    };
    let bars: String = shown
        .iter()
        .enumerate()
        .map(|(index, count)| {
            let name = line(count.corpus.as_deref().unwrap_or("(none)"));
            let number = grouped(count.total_words.into());
            let length = full * count.total_words.max(0) as f64 / longest as f64;
            let top = index * ROW_HEIGHT;
            format!(
                "<g><title>{name}: {number}</title>\
                 <text class=\"label\" x=\"{label_at}%\" y=\"{baseline}\">{label}</text>\
                 <rect x=\"{BARS_AT}%\" y=\"{bar_top}\" width=\"{length:.2}%\" height=\"16\" rx=\"2\"/>\
                 <text x=\"{number_at:.2}%\" y=\"{baseline}\">{number}</text></g>\n",
                name = escape(&name),
                label = escape(&shortened(&name)),
                label_at = BARS_AT - 1.5,
                number_at = BARS_AT + length + 1.0,
                baseline = top + 16,
                bar_top = top + 4,
            )
        })
        .collect();
    format!(
        "<figure>\n\
         <svg role=\"img\" aria-labelledby=\"chart-title chart-desc\" width=\"100%\" height=\"{height}\">\n\
         <title id=\"chart-title\">{title}</title>\n\
         <desc id=\"chart-desc\">{desc}</desc>\n\
         {bars}</svg>\n\
         {caption}</figure>\n",
        height = shown.len() * ROW_HEIGHT + 4,
        title = escape(&title),
        caption = if shown.len() < report.counts.len() {
            format!("<figcaption>{desc}</figcaption>\n")
        } else {
            String::new()
        },
    )
}

/// A name that fits beside its bar, with an ellipsis for what does not.
fn shortened(name: &str) -> String {
    let columns = |c: char| if c < '\u{1100}' { 1 } else { 2 };
    if name.chars().map(columns).sum::<usize>() <= MOST_LABEL_COLUMNS {
        return name.to_owned();
    }
    let mut used = 1;
    let fitting = name.chars().take_while(|c| {
        used += columns(*c);
        used <= MOST_LABEL_COLUMNS
    });
    fitting.chain(['…']).collect()
}
