//! The word's counts as an HTML table, with a bar in each row.

use crate::answer::Count;

use super::bar::bar;
use super::document::shown;
use super::escape::escape;
use super::order::Order;
use super::report::{Report, rate};
use super::wording::grouped;
use super::works;

/// The most rows shown; the CSV file has all of them.
const MOST_ROWS: usize = 1000;
/// The most bytes of all rows together: names may be long, and the page must be readable on a phone.
const MOST_BYTES: usize = 200_000;
/// The most characters shown of a name.
const MOST_OF_A_NAME: usize = 200;

/// The table, and its number of rows.
pub(super) fn table(report: &Report<'_>, caption: &str) -> (String, usize) {
    let order = report.order;
    let value = |count: &Count| match order {
        Order::Count => Some(count.total_words as f64),
        Order::Rate => rate(count),
    };
    let mut counts: Vec<&Count> = report.counts.iter().collect();
    if order == Order::Rate {
        // A stable sort: rows with the same rate, or none, keep their order by count.
        counts.sort_by(|one, other| {
            let sortable = |count| rate(count).unwrap_or(f64::NEG_INFINITY);
            sortable(other).total_cmp(&sortable(one))
        });
    }
    let longest = counts.iter().filter_map(|count| value(count)).fold(0.0, f64::max);
    let mut table = format!(
        "<table class=\"by-{name}\">\n<caption>{caption}</caption>\n\
         <thead><tr><th scope=\"col\">{first}</th>{times}{rates}</tr></thead>\n<tbody>\n",
        name = order.name(),
        first = if report.has_works { "Work" } else { "Corpus" },
        times = column(Order::Count, order, "Times"),
        rates = column(Order::Rate, order, "Per\u{a0}10,000 words"),
    );
    let mut rows = 0;
    let head = table.len();
    for count in counts.into_iter().take(MOST_ROWS) {
        let row = format!(
            "<tr><th scope=\"row\"><div class=\"bar\">{name}{bar}</div></th><td>{times}</td><td>{rate}</td></tr>\n",
            name = name(report, count),
            bar = bar(value(count).unwrap_or_default(), longest),
            times = grouped(count.total_words.into()),
            rate = rate(count).map_or("–".to_owned(), one_place),
        );
        if table.len() - head + row.len() > MOST_BYTES {
            break;
        }
        table.push_str(&row);
        rows += 1;
    }
    table.push_str("</tbody>\n</table>\n");
    (table, rows)
}

/// A column's heading: the current order, or a link to the page in that order.
fn column(order: Order, current: Order, title: &str) -> String {
    if order == current {
        format!(
            "<th scope=\"col\" aria-sort=\"descending\">{title}<span aria-hidden=\"true\">\u{a0}▾</span></th>"
        )
    } else {
        format!(
            "<th scope=\"col\"><a href=\"?order={}\">{title}</a></th>",
            order.name()
        )
    }
}

fn name(report: &Report<'_>, count: &Count) -> String {
    let Some(corpus) = count.corpus.as_deref() else {
        return "<i>no name (NULL)</i>".to_owned();
    };
    let work = Some(corpus).filter(|_| report.has_works).and_then(works::work);
    if let Some(work) = work {
        let year = work.year.map_or(String::new(), |year| format!(" · {year}"));
        return format!(
            "<span>{}</span> <small>{corpus}{year}</small>",
            escape(work.title)
        );
    }
    if corpus.is_empty() {
        return "<i>empty name</i>".to_owned();
    }
    match corpus.char_indices().nth(MOST_OF_A_NAME) {
        Some((end, _)) => format!("<span>{}…</span>", shown(corpus.get(..end).unwrap_or_default())),
        None => format!("<span>{}</span>", shown(corpus)),
    }
}

/// A rate for people, such as `1,234.5`. A positive rate is never shown as zero.
fn one_place(rate: f64) -> String {
    if rate > 0.0 && rate < 0.05 {
        return "&lt;0.1".to_owned();
    }
    let text = format!("{rate:.1}");
    match text.split_once('.') {
        Some((whole, fraction)) if whole.len() > 3 => match whole.parse() {
            Ok(whole) => format!("{}.{fraction}", grouped(whole)),
            Err(_) => text,
        },
        _ => text,
    }
}
