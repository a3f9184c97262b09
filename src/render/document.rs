//! The parts of every HTML page: one head, one style, no external resources, no script.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use super::escape::escape;
use super::wording::line;

/// The style of every page. The policy allows this text and no other.
const STYLE: &str = include_str!("style.css");

/// The icon, embedded in the page, so that its server does not need to serve another file.
static ICON: LazyLock<String> = LazyLock::new(|| {
    format!(
        "data:image/svg+xml;base64,{}",
        STANDARD.encode(include_str!("icon.svg"))
    )
});

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        STANDARD.encode(digest)
    );
    // It is always valid. If it were not, a page without its style would be the safe choice.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The `Content-Security-Policy` for every HTML page: it allows our style, by its hash, the icon, and nothing else.
pub fn content_security_policy() -> HeaderValue {
    POLICY.clone()
}

/// The head of a page.
pub(super) struct Head<'a> {
    /// Not escaped.
    pub(super) title: &'a str,
    /// One or two sentences for a search engine or a preview; not escaped.
    pub(super) description: &'a str,
    /// Further elements, as HTML.
    pub(super) links: &'a str,
}

/// A whole document around a body, which `body` writes as HTML.
pub(super) fn document(head: &Head<'_>, body: impl FnOnce(&mut String)) -> String {
    let title = escape(&line(head.title));
    let description = escape(&line(head.description));
    let mut page = format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n\
         <meta name=\"description\" content=\"{description}\">\n\
         <meta property=\"og:type\" content=\"website\">\n\
         <meta property=\"og:site_name\" content=\"wordtally\">\n\
         <meta property=\"og:title\" content=\"{title}\">\n\
         <meta property=\"og:description\" content=\"{description}\">\n\
         <link rel=\"icon\" type=\"image/svg+xml\" href=\"{icon}\">\n\
         {links}\
         <style>{STYLE}</style>\n\
         </head>\n\
         <body>\n",
        icon = *ICON,
        links = head.links,
    );
    body(&mut page);
    page.push_str("</body>\n</html>\n");
    page
}

/// The banner that keeps sample data from being taken for BigQuery's numbers.
pub(super) const SAMPLE_BANNER: &str = "<p class=\"banner\"><strong>Sample data, from the stand-in.</strong> \
     Not BigQuery's numbers.</p>\n";

/// The text, escaped and safe to show. Text that may run from right to left is isolated.
pub(super) fn shown(text: &str) -> String {
    let text = line(text);
    if text.is_ascii() {
        escape(&text)
    } else {
        format!("<bdi>{}</bdi>", escape(&text))
    }
}
