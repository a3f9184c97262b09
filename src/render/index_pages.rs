use super::format::Format;
use super::index::{Listed, index_page};
use super::{Page, Representation, encoded, html, json, text};

/// The list of words in each of its formats, replaced as a whole.
#[derive(Debug, Clone)]
pub struct IndexPages([(&'static Format, Page); 3]);

impl IndexPages {
    /// Renders the list.
    pub fn new(listed: &[Listed]) -> Self {
        Self([&html::FORMAT, &json::FORMAT, &text::FORMAT].map(|wished| {
            let (format, body) = index_page(listed, wished);
            let page = Page {
                gzip: encoded::gzip(&body).map(Representation::new),
                identity: Representation::new(body),
            };
            (format, page)
        }))
    }

    /// The page in the requested format, or else in plain text.
    pub fn get(&self, wished: &Format) -> (&'static Format, &Page) {
        let [first, second, last] = &self.0;
        let found = [first, second].into_iter().find(|(format, _)| *format == wished);
        let (format, page) = found.unwrap_or(last);
        (format, page)
    }
}
