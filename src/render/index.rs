//! The page that leads to several instances.

use bytes::Bytes;

use super::escape::escape;
use super::html::document;

/// An HTML page that links each word to its instance's address.
pub fn index_page(instances: &[(String, String)]) -> Bytes {
    let items: String = instances
        .iter()
        .map(|(word, url)| {
            let (word, url) = (escape(word), escape(url));
            format!("<li><a href=\"{url}\"><bdi>{word}</bdi> <small>{url}</small></a></li>\n")
        })
        .collect();
    let main = format!("<h1>Words and how often they appear</h1>\n<ul class=\"words\">\n{items}</ul>\n");
    document("Words and how often they appear", |page| page.push_str(&main)).into()
}
