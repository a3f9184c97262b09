//! The links from one word's page to the others.

use crate::site::{Link, Neighbours};

use super::document::shown;
use super::escape::escape;

/// Links to all words, the previous and the next.
pub(super) fn nav(neighbours: &Neighbours, label: &str) -> String {
    let mut nav = format!(
        "<nav aria-label=\"{label}\"><ul>\n<li><a href=\"{}\">All words</a></li>\n",
        escape(&neighbours.index)
    );
    if let Some(link) = &neighbours.previous {
        nav.push_str(&item(
            "prev",
            "<span aria-hidden=\"true\">← </span><span class=\"hint\">Previous: </span>",
            link,
            "",
        ));
    }
    if let Some(link) = &neighbours.next {
        nav.push_str(&item(
            "next",
            "<span class=\"hint\">Next: </span>",
            link,
            "<span aria-hidden=\"true\"> →</span>",
        ));
    }
    nav.push_str("</ul></nav>\n");
    nav
}

fn item(relation: &str, before: &str, link: &Link, after: &str) -> String {
    format!(
        "<li class=\"{relation}\"><a rel=\"{relation}\" href=\"{}\">{before}{}{after}</a></li>\n",
        escape(&link.url),
        shown(&link.word)
    )
}

/// The previous and the next word, for the document's head.
pub(super) fn links(neighbours: &Neighbours) -> String {
    let link = |relation: &str, link: &Option<Link>| match link {
        Some(link) => format!("<link rel=\"{relation}\" href=\"{}\">\n", escape(&link.url)),
        None => String::new(),
    };
    link("prev", &neighbours.previous) + &link("next", &neighbours.next)
}
