//! The page that links to several words, with the total of each, if it has an answer.

use bytes::Bytes;
use serde::Serialize;

use super::bar::bar;
use super::document::{Head, SAMPLE_BANNER, document, shown};
use super::escape::escape;
use super::format::Format;
use super::wording::{corpora, date, grouped, times};
use super::{html, json, text};

/// One word, and the state of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The word.
    pub word: String,
    /// The address of its page.
    pub url: String,
    /// The state of its answer.
    #[serde(flatten)]
    pub state: State,
}

/// The state of a word's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// There is an answer.
    Counted {
        /// How often the word occurs in all corpora together.
        total_words: i128,
        /// In how many corpora it occurs.
        corpora: usize,
        /// When the answer was true: RFC 3339, UTC.
        as_of: String,
        /// Whether the numbers are the stand-in's.
        sample_data: bool,
    },
    /// There is no answer, or it could not be fetched.
    Unavailable,
}

const TITLE: &str = "Words and how often they appear";

/// The list of words and its format: HTML or JSON if requested, otherwise plain text.
pub fn index_page(listed: &[Listed], wished: &'static Format) -> (&'static Format, Bytes) {
    if *wished == html::FORMAT {
        (wished, as_html(listed).into())
    } else if *wished == json::FORMAT {
        (wished, as_json(listed).into())
    } else {
        (&text::FORMAT, as_text(listed).into())
    }
}

fn as_json(listed: &[Listed]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        words: &'a [Listed],
    }
    // Text, numbers and lists always serialise.
    serde_json::to_string(&Document { words: listed }).unwrap_or_else(|_| "null".to_owned()) + "\n"
}

fn as_text(listed: &[Listed]) -> String {
    let line = |one: &Listed| match &one.state {
        State::Counted {
            total_words,
            corpora: held,
            as_of,
            sample_data,
        } => format!(
            "{}: {} in {}, as of {as_of}{}: {}\n",
            one.word,
            times(*total_words),
            corpora(*held),
            if *sample_data { ", sample data" } else { "" },
            one.url
        ),
        State::Unavailable => format!("{}: no counts yet: {}\n", one.word, one.url),
    };
    if listed.is_empty() {
        return "No word is counted here.\n".to_owned();
    }
    listed.iter().map(line).collect()
}

fn as_html(listed: &[Listed]) -> String {
    let totals = listed.iter().filter_map(|one| match one.state {
        State::Counted { total_words, .. } => Some(total_words as f64),
        State::Unavailable => None,
    });
    let longest = totals.fold(1.0, f64::max);
    let mut counted = listed.iter().filter(|one| one.state != State::Unavailable);
    // If only some words have sample data, each of them says so in its row.
    let only_samples = counted.clone().next().is_some() && counted.all(is_sample);
    let head = Head {
        title: TITLE,
        description: "How often each of these words appears, corpus by corpus.",
        links: "<link rel=\"alternate\" type=\"application/json\" href=\"?format=json\" title=\"JSON\">\n\
                <link rel=\"alternate\" type=\"text/plain\" href=\"?format=txt\" title=\"Plain text\">\n",
    };
    document(&head, |page| {
        page.push_str("<main>\n");
        if only_samples {
            page.push_str(SAMPLE_BANNER);
        }
        page.push_str(&format!("<h1>{TITLE}</h1>\n"));
        if listed.is_empty() {
            page.push_str("<p class=\"lead\">No word is counted here.</p>\n</main>\n");
            return;
        }
        page.push_str(
            "<p>Each word links to its counts in each corpus.</p>\n\
             <table class=\"index\">\n<caption>Words, how often each appears in total, and when it was counted</caption>\n\
             <thead><tr><th scope=\"col\">Word</th><th scope=\"col\">Times</th>\
             <th scope=\"col\">Corpora</th><th scope=\"col\" class=\"when\">As of</th></tr></thead>\n<tbody>\n",
        );
        for one in listed {
            row(one, longest, !only_samples && is_sample(one), page);
        }
        page.push_str("</tbody>\n</table>\n</main>\n");
    })
}

fn is_sample(one: &Listed) -> bool {
    matches!(
        one.state,
        State::Counted {
            sample_data: true,
            ..
        }
    )
}

/// `marked`: the numbers of this word are sample data, and those of others are not.
fn row(one: &Listed, longest: f64, marked: bool, page: &mut String) {
    let (bar, numbers) = match &one.state {
        State::Counted {
            total_words,
            corpora,
            as_of,
            ..
        } => (
            bar(*total_words as f64, longest),
            format!(
                "<td>{}</td><td>{}</td><td class=\"when\"><time datetime=\"{as_of}\">{date}</time></td>",
                grouped(*total_words),
                grouped(*corpora as i128),
                as_of = escape(as_of),
                date = escape(&date(as_of)),
            ),
        ),
        State::Unavailable => (
            String::new(),
            "<td colspan=\"3\" class=\"state\">No counts yet</td>".to_owned(),
        ),
    };
    page.push_str(&format!(
        "<tr><th scope=\"row\"><div class=\"bar\"><a href=\"{url}\">{word}</a>{mark}{bar}</div></th>{numbers}</tr>\n",
        url = escape(&one.url),
        word = shown(&one.word),
        mark = if marked { " <small>sample data</small>" } else { "" },
    ));
}
